//! O5: the dashboard, in a browser, against a program that runs.

mod chromium;

use std::cell::Cell;
use std::future::ready;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache_core::admin::{Admin, Server};
use cache_core::backend::{
    BackendKey, BackendStats, BoxFuture, CacheBackend, Memory, Scope, Value,
};
use cache_core::testing::TestCache;
use cache_core::{Builder, Cache, Error, cached};

use chromium::Page;

const TOKEN: &str = "correct-horse-battery";

#[cached(label = "price {article}", ttl = 10m)]
fn price(article: u32) -> u32 {
    article * 100
}

#[cached(ttl = 5s)]
fn stock(article: u32) -> Vec<u32> {
    vec![article; 100]
}

/// Names and labels that would do harm as markup.
#[cached(name = "<img src=x onerror=harm()>", label = "</script><script>harm()</script>{text}")]
fn hostile(text: &str) -> String {
    text.to_owned()
}

struct Program {
    cache: TestCache,
    server: Server,
}

impl Program {
    /// 91 entries, and 1,140 hits.
    fn start() -> Self {
        Self::start_with(Cache::builder())
    }

    fn start_with(builder: Builder) -> Self {
        let cache = TestCache::from_builder(builder);
        cache.run(|| {
            for article in (0..20).flat_map(|_| 0..60) {
                price(article);
            }
            (0..30).map(stock).for_each(drop);
            hostile("\"'><svg onload=harm()>");
        });
        let admin = Admin::of(&cache).token(TOKEN).expect("it is long enough");
        let server = admin.listen("127.0.0.1:0").expect("a port");
        Self { cache, server }
    }

    fn open(&self) -> Page {
        let mut page = Page::open(&format!("http://{}/", self.server.address()), 1180, 900);
        page.eval("window.harm = () => { window.isHarmed = true; }");
        page
    }
}

/// Waits until what was changed is shown.
fn next_round(page: &mut Page) {
    page.eval("window.round = Number(document.body.dataset.rounds)");
    page.until("document.body.dataset.rounds > window.round + 1");
}

fn figure(page: &mut Page, id: &str) -> String {
    page.text(&format!("document.querySelector('[data-figure={id}]').textContent"))
}

/// The texts of a column.
fn column(page: &mut Page, table: &str, nth: u32) -> Vec<String> {
    let cells = page.eval(&format!(
        "[...document.querySelectorAll('#{table} tbody td:nth-child({nth})')].map((it) => it.textContent)"
    ));
    serde_json::from_value(cells).expect("texts")
}

#[test]
fn figures_are_those_of_the_program() {
    let program = Program::start();
    let mut page = program.open();
    let stats = program.cache.stats();
    assert_eq!(stats.hits, 1140);
    assert_eq!(figure(&mut page, "hits"), "1,140");
    assert_eq!(figure(&mut page, "misses"), stats.misses.to_string());
    assert_eq!(figure(&mut page, "entries"), stats.entries.to_string());
    assert_eq!(figure(&mut page, "hit_rate"), format!("{:.1} %", 100.0 * stats.hit_rate()));
    assert_eq!(figure(&mut page, "bytes"), format!("{:.1} KiB", stats.bytes as f64 / 1024.0));
    assert_eq!(page.text("document.getElementById('health').textContent"), "healthy");
    program.cache.run(|| price(1));
    next_round(&mut page);
    assert_eq!(figure(&mut page, "hits"), "1,141", "it is live");
    program.cache.advance(Duration::from_secs(1));
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn functions_are_sorted_found_and_opened_by_keyboard() {
    let program = Program::start();
    let mut page = program.open();
    assert_eq!(column(&mut page, "functions", 4), ["60", "30", "1"], "the most misses come first");
    page.eval("document.querySelector('#functions thead button').focus()");
    page.press("Enter", 13, "\r");
    let names = ["<img src=x onerror=harm()>", "price", "stock"];
    assert_eq!(column(&mut page, "functions", 1), names);
    assert_eq!(page.text("document.querySelector('#functions thead th').ariaSort"), "ascending");
    page.press("Enter", 13, "\r");
    assert_eq!(
        column(&mut page, "functions", 1),
        names.map(str::to_owned).into_iter().rev().collect::<Vec<_>>()
    );
    page.eval("document.getElementById('find-function').focus()");
    page.write("PRI");
    assert_eq!(column(&mut page, "functions", 1), ["price"]);
    page.eval("document.querySelector('#functions tbody button').focus()");
    page.press("Enter", 13, "\r");
    assert_eq!(page.text("document.activeElement.textContent"), "price");
    assert!(
        page.text("document.getElementById('function-facts').textContent")
            .contains("lifetime10 min")
    );
    page.until("document.getElementById('n-entries').textContent === '1 to 50 of 60 of price'");
    assert_eq!(column(&mut page, "labels", 2), ["19"; 60], "what it has done by label");
    assert_eq!(page.complaints(), [""; 0]);
}

/// A memory that fails from some moment on.
struct Mortal {
    memory: Memory,
    is_dead: AtomicBool,
}

impl Mortal {
    fn unless_dead<'a, T: Send + 'a>(
        &'a self,
        answer: BoxFuture<'a, Result<T, Error>>,
    ) -> BoxFuture<'a, Result<T, Error>> {
        if self.is_dead.load(Ordering::SeqCst) {
            return Box::pin(ready(Err(Error::tier("the tier", "is dead"))));
        }
        answer
    }
}

impl CacheBackend for Mortal {
    fn get<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<Option<Value>, Error>> {
        self.unless_dead(self.memory.get(key))
    }

    fn set<'a>(&'a self, key: &'a BackendKey, value: Value) -> BoxFuture<'a, Result<(), Error>> {
        self.unless_dead(self.memory.set(key, value))
    }

    fn delete<'a>(&'a self, key: &'a BackendKey) -> BoxFuture<'a, Result<(), Error>> {
        self.unless_dead(self.memory.delete(key))
    }

    fn clear<'a>(&'a self, scope: &'a Scope) -> BoxFuture<'a, Result<(), Error>> {
        self.unless_dead(self.memory.clear(scope))
    }

    fn stats(&self) -> BoxFuture<'_, Result<BackendStats, Error>> {
        self.unless_dead(self.memory.stats())
    }
}

#[test]
fn tiers_are_shown_and_whether_they_work() {
    let tier = Arc::new(Mortal { memory: Memory::new(1 << 20), is_dead: AtomicBool::new(false) });
    let program = Program::start_with(Cache::builder().custom_backend(tier.clone()));
    assert!(program.cache.flush(Duration::from_secs(20)), "what was stored is written");
    let mut page = program.open();
    assert_eq!(column(&mut page, "tiers", 1), ["custom"]);
    assert_eq!(column(&mut page, "tiers", 2), ["working"]);
    tier.is_dead.store(true, Ordering::SeqCst);
    program.cache.run(|| (100..120).map(price).for_each(drop));
    page.until("document.querySelector('#tiers tbody .bad')?.textContent === 'left in peace'");
    next_round(&mut page);
    let failures = program.cache.tiers()[0].failures;
    assert!(failures > 0);
    assert_eq!(column(&mut page, "tiers", 3), [failures.to_string()]);
    page.until("document.getElementById('health').textContent === 'degraded'");
    page.until(
        "document.getElementById('notice').textContent === 'the tier `custom` does not work'",
    );
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn functions_that_are_cached_wrongly_are_shown_with_the_key() {
    thread_local! {
        static CURRENCY: Cell<&'static str> = const { Cell::new("EUR") };
    }

    #[cached]
    fn quote(article: u32) -> String {
        format!("{article} {}", CURRENCY.get())
    }
    let program = Program::start_with(Cache::builder().verify(1.0));
    program.cache.run(|| {
        quote(7);
        CURRENCY.set("USD");
        quote(7);
    });
    let mut page = program.open();
    let functions = program.cache.functions();
    let function = functions.iter().find(|function| function.name == "quote").expect("it is known");
    assert_eq!(column(&mut page, "suspects", 1), ["quote", "price"], "the worst comes first");
    assert_eq!(column(&mut page, "suspects", 2)[0], format!("{}:{}", function.file, function.line));
    assert_eq!(column(&mut page, "suspects", 3), ["1", "1,140"]);
    assert_eq!(column(&mut page, "suspects", 4), ["1", "0"]);
    assert_eq!(column(&mut page, "suspects", 5)[0], *function.suspect.as_ref().expect("a key"));
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn entries_are_searched_and_turned_over() {
    let program = Program::start();
    let mut page = program.open();
    assert_eq!(column(&mut page, "entries", 1).len(), 50);
    page.eval("document.getElementById('entries-on').click()");
    page.until("document.getElementById('n-entries').textContent === '51 to 91 of 91'");
    page.eval("document.getElementById('find-entry').focus()");
    page.write("price 59");
    page.until("document.getElementById('n-entries').textContent === '1 to 1 of 1'");
    assert_eq!(column(&mut page, "entries", 2), ["price 59"]);
    page.write("9");
    page.until("document.getElementById('n-entries').textContent === 'none'");
}

#[test]
fn what_changes_something_takes_a_confirmation_and_the_token() {
    let program = Program::start();
    let mut page = program.open();
    let entries = program.cache.stats().entries;
    page.eval("document.getElementById('do-clear').click()");
    assert_eq!(
        page.text("document.getElementById('confirm-title').textContent"),
        "Drop everything"
    );
    page.eval("document.getElementById('confirm-no').click()");
    assert_eq!(page.eval("document.getElementById('confirm').open"), false);
    page.eval("document.getElementById('do-clear').click()");
    page.write("not-the-token-at-all");
    page.press("Enter", 13, "\r");
    page.until("document.getElementById('confirm-error').textContent.includes('Bearer')");
    assert_eq!(program.cache.stats().entries, entries, "nothing is done without the token");
    page.write(TOKEN);
    page.press("Enter", 13, "\r");
    page.until("!document.getElementById('confirm').open");
    assert_eq!(program.cache.stats().entries, 0);
    // The page has the token now, in its memory alone.
    let kept = page.eval("[document.cookie, localStorage.length, sessionStorage.length].join()");
    assert_eq!(kept, ",0,0");
    page.eval("document.getElementById('max-entries').value = 7; document.querySelector('#do-entries button').click()");
    assert_eq!(page.eval("document.getElementById('confirm-token').hidden"), true);
    page.eval("document.getElementById('confirm-yes').click()");
    page.until("!document.getElementById('confirm').open");
    assert_eq!(program.cache.config().max_entries, Some(7));
    program.cache.run(|| price(1));
    page.eval("document.getElementById('event').value = '[\"user\", 7]'; document.querySelector('#do-emit button').click()");
    page.eval("document.getElementById('confirm-yes').click()");
    page.until("document.getElementById('notice').textContent === 'emitted'");
    let refused = page.complaints();
    assert_eq!(refused.len(), 1, "the browser notes the one that was refused: {refused:?}");
    assert!(refused[0].contains("401"), "{refused:?}");
}

#[test]
fn what_the_program_is_called_is_never_run() {
    let program = Program::start();
    let mut page = program.open();
    page.eval("[...document.querySelectorAll('#functions .link')].find((it) => it.textContent.includes('img')).click()");
    page.until(
        "document.getElementById('n-entries').textContent.startsWith('1 to 1 of 1 of <img')",
    );
    assert_eq!(
        column(&mut page, "entries", 2),
        ["</script><script>harm()</script>\"'><svg onload=harm()>"]
    );
    page.eval("document.getElementById('function-clear').click()");
    assert!(page.text("document.getElementById('confirm-text').textContent").contains("<img"));
    next_round(&mut page);
    assert_eq!(
        page.eval("[window.isHarmed, document.querySelectorAll('img, svg').length].join()"),
        ",0"
    );
    assert_eq!(page.complaints(), [""; 0]);
    // The policy holds, should a page ever have such a hole.
    page.eval("document.body.append(Object.assign(document.createElement('script'), { textContent: 'harm()' }))");
    assert_eq!(page.eval("window.isHarmed === undefined"), true);
    assert_eq!(page.complaints().len(), 1);
}

#[test]
fn the_page_asks_its_own_program_alone_and_fits_every_screen() {
    let program = Program::start();
    let mut page = program.open();
    let pictures = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let fits = "document.documentElement.scrollWidth <= innerWidth";
    let luminance =
        "getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)[0]";
    for (name, width, height) in [("desktop", 1180, 900), ("phone", 390, 844), ("dark", 1180, 900)]
    {
        page.resize(width, height);
        if name == "dark" {
            page.darken();
        }
        next_round(&mut page);
        assert_eq!(page.eval(fits), true, "{name}: nothing is beyond the edge");
        assert_eq!(page.eval(luminance).as_u64().is_some_and(|it| it < 128), name == "dark");
        page.screenshot(&pictures.join(format!("{name}.png")));
    }
    let own = format!("http://{}/", program.server.address());
    let foreign: Vec<_> = page
        .requests()
        .into_iter()
        .filter(|url| !url.starts_with(&own) && !url.starts_with("data:"))
        .collect();
    assert_eq!(foreign, [""; 0]);
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn what_happens_is_followed_where_somebody_wants_to_see_it() {
    let program = Program::start();
    let mut page = program.open();
    page.eval("document.getElementById('follow').click()");
    page.until("performance.getEntriesByType('resource').length && document.getElementById('follow').checked");
    // The page says nothing of having begun to listen.
    for article in 1000.. {
        program.cache.run(|| price(article));
        if page.eval("document.getElementById('log').childElementCount > 0") == true {
            break;
        }
    }
    program.cache.run(|| hostile("again"));
    page.until("document.getElementById('log').textContent.includes('<img src=x onerror=harm()>, cold, loaded, stored after 0 s')");
    page.eval("document.getElementById('follow').click()");
    assert_eq!(page.eval("window.isHarmed === undefined"), true);
    assert_eq!(page.complaints(), [""; 0]);
}

#[test]
fn controls_have_names() {
    let program = Program::start();
    let mut page = program.open();
    let nameless = page.eval(
        "[...document.querySelectorAll('button, input, select, meter, progress, [role=img]')].filter((it) => \
         !(it.textContent.trim() || it.labels?.length || it.getAttribute('aria-label'))).map((it) => it.outerHTML)",
    );
    assert_eq!(nameless, serde_json::json!([]));
    let headings = page.eval("document.querySelectorAll('h1').length");
    assert_eq!((headings, page.text("document.documentElement.lang")), (1.into(), "en".to_owned()));
}
