//! `cache-top` in a pipe and in a terminal, against a program that runs.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use cache_core::admin::Admin;
use cache_core::cached;
use cache_core::testing::TestCache;

#[cached(name = "price\x1b[2J")]
fn price(article: u32) -> u32 {
    article
}

fn top(args: &[&str], token: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cache-top"));
    command.args(args).env_remove("CACHE_ADMIN_TOKEN");
    if let Some(token) = token {
        command.env("CACHE_ADMIN_TOKEN", token);
    }
    command.output().expect("it runs")
}

#[test]
fn in_a_pipe_one_table_is_printed() {
    let cache = TestCache::new();
    cache.run(|| [1, 2, 1, 1].map(price));
    let server = Admin::of(&cache).listen("127.0.0.1:0").expect("a port");
    let output = top(&[&format!("http://{}/", server.address())], None);
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Vec<&str>> = text.lines().map(|it| it.split_whitespace().collect()).collect();
    assert_eq!(rows[2][..5], ["name", "rate", "hits", "misses", "loads"]);
    assert_eq!(rows[3][..5], ["all", "50.0%", "2", "2", "2"]);
    assert_eq!(
        rows[4][..5],
        ["price?[2J", "50.0%", "2", "2", "2"],
        "nothing is sent to a terminal"
    );
    assert_eq!(rows.len(), 5, "{text}");
}

#[test]
fn trouble_is_told_with_what_to_do() {
    let cache = TestCache::new();
    let admin = Admin::of(&cache).token("correct-horse-battery").expect("it is long enough");
    let server = admin.private().listen("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", server.address());
    assert!(top(&[&url], Some("correct-horse-battery")).status.success());
    for (args, told) in [
        (vec![&*url], "CACHE_ADMIN_TOKEN"),
        (vec![], "the URL of the program is missing"),
        (vec!["--sort", "size", &url], "there are name, rate, hits"),
    ] {
        let output = top(&args, None);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && text.contains(told), "{args:?}: {text}");
    }
}

/// Waits for a picture on a terminal, which begins where the terminal is told to go to its first place.
fn picture(screen: &mut impl Read, is_wanted: impl Fn(&str) -> bool) -> String {
    let (mut shown, mut bytes) = (String::new(), [0; 4096]);
    for _ in 0..500 {
        let n = screen.read(&mut bytes).expect("it can be read");
        assert!(n > 0, "it has ended too early:\n{shown}");
        shown.push_str(&String::from_utf8_lossy(&bytes[..n]));
        if let Some(found) = shown.split("\x1b[1;1H").find(|it| is_wanted(it)) {
            return found.to_owned();
        }
    }
    panic!("this was never shown:\n{shown}")
}

// `script` of util-linux gives it a terminal.
#[cfg(target_os = "linux")]
#[test]
fn in_a_terminal_it_is_live_and_sorted_by_what_is_pressed_and_leaves_it_as_it_was() {
    #[cached]
    fn stock(article: u32) -> u32 {
        article
    }
    let cache = TestCache::new();
    cache.run(|| {
        (0..10).map(price).for_each(drop);
        for _ in 0..6 {
            stock(1);
        }
    });
    let server = Admin::of(&cache).listen("127.0.0.1:0").expect("a port");
    let program = env!("CARGO_BIN_EXE_cache-top");
    let top = format!("stty cols 100 rows 24; {program} --every 0.05 http://{}/", server.address());
    let mut terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &top, "/dev/null"])
        .env_remove("CACHE_ADMIN_TOKEN")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a terminal");
    let mut keys = terminal.stdin.take().expect("it is piped");
    let mut screen = terminal.stdout.take().expect("it is piped");
    let are_in_order = |shown: &str, one: &str, other: &str| {
        shown.find(one).zip(shown.find(other)).is_some_and(|(one, other)| one < other)
    };

    let own = picture(&mut screen, |it| it.contains("\x1b[?1049h"));
    assert!(own.contains("\x1b[?25l"), "a screen of its own without a cursor: {own:?}");
    picture(&mut screen, |it| are_in_order(it, "price?[2J", "stock"));
    keys.write_all(b"h").expect("it is pressed");
    picture(&mut screen, |it| are_in_order(it, "stock", "price?[2J"));
    // It is live.
    cache.run(|| (0..1000).for_each(|_| assert_eq!(stock(1), 1)));
    picture(&mut screen, |it| it.contains(" 1005 "));
    drop(server);
    picture(&mut screen, |it| it.contains("cannot read http://"));
    keys.write_all(b"q").expect("it is pressed");
    let mut rest = String::new();
    screen.read_to_string(&mut rest).expect("text");
    assert!(rest.contains("\x1b[?1049l") && rest.contains("\x1b[?25h"), "{rest:?}");
    assert!(terminal.wait().expect("it ends").success());
}
