//! The database: rows with version numbers, reads that are cached and writes that say what they change.

use std::path::Path;
use std::sync::{Arc, Mutex};

use cache_core::{Event, cached, invalidates};
use rusqlite::{Connection, params};
use tokio::task::spawn_blocking;

/// How many articles a page lists.
pub(crate) const PAGE: u32 = 20;

/// What a call of the database returns. The error is shared by all who wait for the same result.
pub(crate) type Result<T> = std::result::Result<T, Arc<rusqlite::Error>>;

/// An SQLite database, with a few connections to it.
#[derive(Clone)]
pub(crate) struct Store {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Store {
    /// A database with so many articles and users, each row in its first version.
    pub(crate) fn create(folder: &Path, n_articles: u32, n_users: u32) -> Result<Self> {
        let store = Self { path: folder.join("shop.sqlite").into(), idle: Arc::default() };
        let mut connection = store.connect()?;
        connection.execute_batch(
            "PRAGMA journal_mode = WAL;
             CREATE TABLE row (kind TEXT, id INTEGER, version INTEGER NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;",
        )?;
        let transaction = connection.transaction()?;
        let kinds = [("article", n_articles), ("cart", n_users), ("news", 1), ("imprint", 1)];
        for (kind, n_rows) in kinds {
            for id in 0..n_rows {
                transaction.execute("INSERT INTO row VALUES (?, ?, 0)", params![kind, id])?;
            }
        }
        transaction.commit()?;
        Ok(store)
    }

    fn connect(&self) -> rusqlite::Result<Connection> {
        let connection = Connection::open(&self.path)?;
        // Nobody needs these rows after the program.
        connection.execute_batch("PRAGMA synchronous = OFF; PRAGMA busy_timeout = 10000;")?;
        Ok(connection)
    }

    /// Runs `work` with a connection, where it holds nobody up.
    async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<R> + Send + 'static,
    ) -> Result<R> {
        let store = self.clone();
        let work = move || {
            let idle = store.idle.lock().expect("nobody panics with it").pop();
            let connection = idle.map_or_else(|| store.connect(), Ok)?;
            let out = work(&connection)?;
            store.idle.lock().expect("nobody panics with it").push(connection);
            Ok(out)
        };
        spawn_blocking(work).await.expect("a query does not panic")
    }

    /// The version of a row.
    pub(crate) async fn version(&self, kind: &'static str, id: u32) -> Result<u64> {
        let sql = "SELECT version FROM row WHERE kind = ? AND id = ?";
        self.run(move |it| it.prepare_cached(sql)?.query_row(params![kind, id], |row| row.get(0)))
            .await
    }

    /// Makes a new version of a row.
    pub(crate) async fn write(&self, kind: &'static str, id: u32) -> Result<u64> {
        let sql =
            "UPDATE row SET version = version + 1 WHERE kind = ? AND id = ? RETURNING version";
        self.run(move |it| it.prepare_cached(sql)?.query_row(params![kind, id], |row| row.get(0)))
            .await
    }

    async fn sum_of_versions(&self, kind: &'static str) -> Result<u64> {
        let sql = "SELECT sum(version) FROM row WHERE kind = ?";
        self.run(move |it| it.prepare_cached(sql)?.query_row(params![kind], |row| row.get(0))).await
    }
}

/// An article has changed.
#[derive(Event)]
pub(crate) struct ArticleChanged {
    pub(crate) id: u32,
}

/// The version of an article.
#[cached(skip(store), invalidate_on = [ArticleChanged { id }])]
pub(crate) async fn article(store: Store, id: u32) -> Result<u64> {
    store.version("article", id).await
}

/// The versions of the articles of a page. It goes with each of them, which nobody has to say.
#[cached(skip(store))]
pub(crate) async fn page(store: Store, page: u32) -> Result<Vec<u64>> {
    let mut versions = Vec::new();
    for id in page * PAGE..(page + 1) * PAGE {
        versions.push(article(store.clone(), id).await?);
    }
    Ok(versions)
}

/// How often any article was changed.
#[cached(skip(store), invalidate_on = [ArticleChanged])]
pub(crate) async fn n_changes(store: Store) -> Result<u64> {
    store.sum_of_versions("article").await
}

/// Changes an article, and says so when that is done.
#[invalidates(ArticleChanged { id })]
pub(crate) async fn change_article(store: &Store, id: u32) -> Result<u64> {
    store.write("article", id).await
}
