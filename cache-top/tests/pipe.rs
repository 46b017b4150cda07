//! `cache-top` in a pipe, against a program that runs.

use std::process::{Command, Output};

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
