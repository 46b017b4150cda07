//! What every backend of slower tiers must do, as a test that anybody can run on theirs.

use std::future::poll_fn;
use std::hash::{BuildHasher, RandomState};
use std::task::Poll;
use std::time::{Duration, UNIX_EPOCH};

use crate::backend::{BackendKey, CacheBackend, Scope, Time, Value};
use crate::codec::Encoded;
use crate::sync::Arc;

/// Checks that a backend does what [`CacheBackend`] asks for.
///
/// The backend may be in use: everything is done in a namespace that nobody else has, and removed at the end.
/// It has to keep about 20 MiB meanwhile.
///
/// ```
/// # use std::sync::Arc;
/// # use cache_core::{backend::Memory, testing::backend_conformance};
/// # pollster::block_on(async {
/// backend_conformance(Arc::new(Memory::new(64 << 20))).await;
/// # });
/// ```
///
/// # Panics
///
/// If the backend does something else, with what was expected.
pub async fn backend_conformance(backend: Arc<dyn CacheBackend>) {
    Suite { backend, keeps: true, namespace: unique_namespace() }.run().await;
}

/// Checks that a backend never finds anything wrong, though it may forget everything.
///
/// # Panics
///
/// If the backend finds what it should not, or fails.
pub async fn backend_safety(backend: Arc<dyn CacheBackend>) {
    Suite { backend, keeps: false, namespace: unique_namespace() }.run().await;
}

fn unique_namespace() -> String {
    format!("conformance-{:016x}", RandomState::new().hash_one(0))
}

struct Suite {
    backend: Arc<dyn CacheBackend>,
    /// Whether what is stored has to be found.
    keeps: bool,
    namespace: String,
}

impl Suite {
    async fn run(&self) {
        self.values_of_all_sizes_come_back().await;
        self.the_last_value_counts().await;
        self.what_is_deleted_is_gone().await;
        self.what_is_there_is_not_replaced_where_it_is_not_to_be().await;
        self.keys_are_kept_apart().await;
        self.a_scope_is_cleared_and_no_other().await;
        self.lifetimes_are_kept().await;
        self.an_operation_can_be_given_up().await;
        self.many_use_it_at_once().await;
        self.what_is_told_is_read_in_order_or_known_to_be_missing().await;
        self.clear(&Scope::namespace(&self.namespace)).await;
        self.backend.stats().await.expect("statistics");
    }

    async fn values_of_all_sizes_come_back(&self) {
        for len in [0, 1, 100, 4_096, 1 << 20, 16 << 20] {
            let key = self.key("sizes", &len.to_string());
            self.expect(&key, None).await;
            let bytes: Vec<u8> = (0..len).map(|n: usize| (n % 251) as u8).collect();
            self.store(&key, &bytes).await;
            self.expect(&key, Some(&bytes)).await;
            self.expect(&key, Some(&bytes)).await;
        }
        self.clear(&Scope::function(&self.namespace, "sizes")).await;
    }

    async fn the_last_value_counts(&self) {
        let key = self.key("order", "");
        for value in ["a", "a longer one", "", "b"] {
            self.store(&key, value.as_bytes()).await;
            self.expect(&key, Some(value.as_bytes())).await;
        }
    }

    async fn what_is_deleted_is_gone(&self) {
        let (key, other) = (self.key("delete", "1"), self.key("delete", "2"));
        self.delete(&key).await;
        self.store(&key, b"1").await;
        self.store(&other, b"2").await;
        self.delete(&key).await;
        self.expect(&key, None).await;
        self.expect(&other, Some(b"2")).await;
        self.delete(&key).await;
        self.store(&key, b"3").await;
        self.expect(&key, Some(b"3")).await;
    }

    async fn what_is_there_is_not_replaced_where_it_is_not_to_be(&self) {
        let key = self.key("if absent", "");
        self.add(&key, self.seal(&key, b"1"), true).await;
        self.expect(&key, Some(b"1")).await;
        self.add(&key, self.seal(&key, b"2"), false).await;
        if self.keeps {
            self.expect(&key, Some(b"1")).await;
        }
        self.delete(&key).await;
        self.add(&key, self.seal(&key, b"3"), true).await;
        self.clear(&key.function_scope()).await;
        self.add(&key, self.seal(&key, b"4"), true).await;
        self.expect(&key, Some(b"4")).await;
        let past = Time::manual();
        past.set_wall(UNIX_EPOCH + Duration::from_secs(1));
        self.set(&key, Value::seal(&key, &encoded(b"5"), Some(Duration::from_secs(1)), &past))
            .await;
        self.add(&key, self.seal(&key, b"6"), true).await;
        self.expect(&key, Some(b"6")).await;
    }

    async fn keys_are_kept_apart(&self) {
        let parts = [
            "", "a", "A", "a:", "a/../b", "../a", "/a", "..", ".", "~", "CON", "a.", "a ", "a*",
            "a?", "[a]", "%61", "a\0", "\u{e9}", "e\u{301}", "a\\b", "a\nb", "{a}",
        ];
        for version in parts {
            for function in parts {
                let value = format!("{function} {version}");
                let key = BackendKey::new(&self.namespace, function, version, b"");
                self.store(&key, value.as_bytes()).await;
            }
        }
        for version in parts {
            for function in parts {
                let value = format!("{function} {version}");
                let key = BackendKey::new(&self.namespace, function, version, b"");
                self.expect(&key, Some(value.as_bytes())).await;
            }
        }
    }

    async fn a_scope_is_cleared_and_no_other(&self) {
        let elsewhere = format!("{}-2", self.namespace);
        let keys = [
            self.key("clear", "1"),
            self.key("clear", "2"),
            self.key("clear2", ""),
            self.key("clea", ""),
            self.key("*", ""),
            BackendKey::new(&elsewhere, "clear", "1", b""),
        ];
        let rest = |n_cleared: usize| {
            let keys = &keys;
            async move {
                for (idx, key) in keys.iter().enumerate() {
                    self.expect(key, (idx >= n_cleared).then_some(b"x")).await;
                }
            }
        };
        for key in &keys {
            self.store(key, b"x").await;
        }
        self.clear(&Scope::function(&self.namespace, "cle")).await;
        rest(0).await;
        self.clear(&Scope::function(&self.namespace, "clear")).await;
        rest(2).await;
        self.clear(&Scope::function(&self.namespace, "clear")).await;
        self.clear(&Scope::namespace(&self.namespace)).await;
        rest(5).await;
        for key in &keys {
            self.store(key, b"x").await;
        }
        rest(0).await;
        self.clear(&Scope::namespace(&elsewhere)).await;
    }

    async fn lifetimes_are_kept(&self) {
        let key = self.key("lifetime", "");
        let time = Time::system();
        let ttl = Duration::from_secs(3_600);
        self.set(&key, Value::seal(&key, &encoded(b"1"), Some(ttl), &time)).await;
        let found = self.get(&key).await;
        assert!(found.is_some() || !self.keeps, "a value was lost before its lifetime had ended");
        if let Some(found) = found {
            let remaining = found.remaining(&time);
            assert!(
                remaining.is_some_and(|remaining| remaining <= ttl),
                "of a lifetime of {ttl:?} there remain {remaining:?}"
            );
        }
        let past = Time::manual();
        past.set_wall(UNIX_EPOCH + Duration::from_secs(1));
        self.set(&key, Value::seal(&key, &encoded(b"2"), Some(ttl), &past)).await;
        self.expect(&key, None).await;
        self.store(&key, b"3").await;
        self.expect(&key, Some(b"3")).await;
    }

    async fn an_operation_can_be_given_up(&self) {
        let key = self.key("given up", "");
        for _ in 0..100 {
            drop(self.backend.get(&key));
            drop(self.backend.set(&key, self.seal(&key, b"1")));
            drop(self.backend.delete(&key));
        }
        self.store(&key, b"2").await;
        self.expect(&key, Some(b"2")).await;
    }

    async fn many_use_it_at_once(&self) {
        let keys: Vec<BackendKey> =
            (0..4).map(|n: usize| self.key("at once", &n.to_string())).collect();
        let mut users: Vec<_> =
            (0..16).map(|user| Box::pin(self.use_in_turns(user, &keys))).collect();
        poll_fn(|cx| {
            users.retain_mut(|user| user.as_mut().poll(cx).is_pending());
            if users.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Stores, looks up and deletes, in another order than other users.
    async fn use_in_turns(&self, user: usize, keys: &[BackendKey]) {
        for round in 0..50 {
            let key = &keys[(user + round) % keys.len()];
            let bytes = key.as_str().as_bytes();
            match (user + round / keys.len()) % 4 {
                0 => self.delete(key).await,
                1 => self.store(key, bytes).await,
                _ => {
                    let found = self.get(key).await;
                    assert!(
                        found.is_none_or(|found| found.payload() == bytes),
                        "a value of `{key}` was never stored there"
                    );
                }
            }
        }
    }

    async fn what_is_told_is_read_in_order_or_known_to_be_missing(&self) {
        let Some(log) = self.backend.log() else { return };
        let read = async |after: Option<&str>| {
            let news = log.read(&self.namespace, after, Duration::from_millis(10)).await;
            news.unwrap_or_else(|error| panic!("the log cannot be read: {error}"))
        };
        let append = async |message: &[u8]| {
            let appended = log.append(&self.namespace, message.to_vec()).await;
            appended.unwrap_or_else(|error| panic!("the log cannot be added to: {error}"));
        };
        append(b"before").await;
        let begin = read(None).await;
        assert!(begin.is_complete && begin.messages.is_empty(), "the end of the log: {begin:?}");
        let nothing = read(Some(&begin.position)).await;
        assert_eq!(nothing, begin, "nothing was told");
        let told: Vec<Vec<u8>> = (0..100).map(|n| vec![n; usize::from(n)]).collect();
        for message in &told {
            append(message).await;
        }
        let mut found = Vec::new();
        let mut position = begin.position.clone();
        while found.len() < told.len() {
            let news = read(Some(&position)).await;
            assert!(news.is_complete, "nothing is missing");
            found.extend(news.messages);
            position = news.position;
        }
        assert_eq!(found, told, "what was told, in its order");
        let again = read(Some(&begin.position)).await;
        assert!(!again.is_complete || told.starts_with(&again.messages), "the same again");
        let other = log.append("another namespace", b"a message".to_vec()).await;
        other.unwrap_or_else(|error| panic!("the log cannot be added to: {error}"));
        assert!(read(Some(&position)).await.messages.is_empty(), "another namespace");
        for unknown in ["", "of another log", "99999999999", "f+7", "f/7-7"] {
            assert!(
                !read(Some(unknown)).await.is_complete,
                "nobody knows what came after {unknown:?}"
            );
        }
    }

    fn key(&self, function: &str, version: &str) -> BackendKey {
        BackendKey::new(&self.namespace, function, version, b"")
    }

    fn seal(&self, key: &BackendKey, bytes: &[u8]) -> Value {
        Value::seal(key, &encoded(bytes), None, &Time::system())
    }

    async fn store(&self, key: &BackendKey, bytes: &[u8]) {
        self.set(key, self.seal(key, bytes)).await;
    }

    async fn set(&self, key: &BackendKey, value: Value) {
        let stored = self.backend.set(key, value).await;
        stored.unwrap_or_else(|error| panic!("`{key}` cannot be stored: {error}"));
    }

    /// Stores a value if there is none; what nobody has to keep may be absent.
    async fn add(&self, key: &BackendKey, value: Value, is_absent: bool) {
        let added = self.backend.set_if_absent(key, value).await;
        let added = added.unwrap_or_else(|error| panic!("`{key}` cannot be stored: {error}"));
        assert!(
            added == is_absent || (!self.keeps && added),
            "a value of `{key}` was stored: {added}, expected: {is_absent}"
        );
    }

    async fn get(&self, key: &BackendKey) -> Option<Value> {
        let found = self.backend.get(key).await;
        found.unwrap_or_else(|error| panic!("`{key}` cannot be looked up: {error}"))
    }

    async fn delete(&self, key: &BackendKey) {
        let deleted = self.backend.delete(key).await;
        deleted.unwrap_or_else(|error| panic!("`{key}` cannot be deleted: {error}"));
    }

    async fn clear(&self, scope: &Scope) {
        let cleared = self.backend.clear(scope).await;
        cleared.unwrap_or_else(|error| panic!("`{}` cannot be cleared: {error}", scope.as_str()));
    }

    async fn expect(&self, key: &BackendKey, expected: Option<&[u8]>) {
        let found = self.get(key).await;
        let found = found.as_ref().map(Value::payload);
        assert!(
            found == expected || (!self.keeps && found.is_none()),
            "under `{key}` there is {}, expected {}",
            show(found),
            show(expected)
        );
    }
}

fn encoded(bytes: &[u8]) -> Encoded {
    Encoded::raw(bytes.to_vec())
}

/// Bytes for a message, whole if they are few.
fn show(bytes: Option<&[u8]>) -> String {
    match bytes {
        None => "nothing".to_owned(),
        Some(bytes) if bytes.len() <= 100 => format!("`{}`", bytes.escape_ascii()),
        Some(bytes) => format!("a value of {} bytes", bytes.len()),
    }
}
