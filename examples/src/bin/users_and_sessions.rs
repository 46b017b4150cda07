//! Users and sessions: readers are cached, writers say what they change, and nobody keeps a list of who reads what.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use cache_core::{Cache, Event, Transaction, cached, emit, emit_all, invalidates};

/// What this program keeps instead of a database.
#[derive(Default)]
struct Tables {
    users: BTreeMap<u64, String>,
    /// Sessions and whose they are.
    sessions: BTreeMap<u64, u64>,
}

static TABLES: Mutex<Tables> =
    Mutex::new(Tables { users: BTreeMap::new(), sessions: BTreeMap::new() });

fn tables<R>(work: impl FnOnce(&mut Tables) -> R) -> R {
    work(&mut TABLES.lock().unwrap_or_else(PoisonError::into_inner))
}

/// A user has another name, or is gone.
#[derive(Event)]
struct UserUpdated {
    user: u64,
}

/// A user has one session more or less.
#[derive(Event)]
struct SessionsChanged {
    user: u64,
}

/// The name of a user. It stays until that user is updated.
#[cached(invalidate_on = [UserUpdated { user }])]
fn name(user: u64) -> Option<String> {
    println!("  reading the name of user {user}");
    tables(|tables| tables.users.get(&user).cloned())
}

/// How many sessions a user has.
#[cached(ttl = 10m, invalidate_on = [SessionsChanged { user }])]
fn n_sessions(user: u64) -> usize {
    println!("  counting the sessions of user {user}");
    tables(|tables| tables.sessions.values().filter(|of| **of == user).count())
}

/// Whose session this is, which only the result tells.
#[cached(invalidate_on = |user| [SessionsChanged { user: *user }])]
fn user_of_session(session: u64) -> Option<u64> {
    println!("  looking session {session} up");
    tables(|tables| tables.sessions.get(&session).copied())
}

/// It names no event of its own: it goes with what it is made of.
#[cached(invalidate_on = [])]
fn greeting(session: u64) -> String {
    println!("  writing a greeting for session {session}");
    let Some(user) = user_of_session(session) else { return "Please log in.".to_owned() };
    let name = name(user).unwrap_or_default();
    format!("Hello {name}, you have {} session(s).", n_sessions(user))
}

/// Nothing is emitted if there is no such user.
#[invalidates(UserUpdated { user })]
fn rename(user: u64, name: String) -> Result<(), String> {
    tables(|tables| match tables.users.get_mut(&user) {
        Some(known) => {
            *known = name;
            Ok(())
        }
        None => Err(format!("there is no user {user}")),
    })
}

#[invalidates(SessionsChanged { user })]
fn log_in(user: u64, session: u64) {
    tables(|tables| tables.sessions.insert(session, user));
}

#[invalidates(SessionsChanged { user })]
fn log_out_everywhere(user: u64) {
    tables(|tables| tables.sessions.retain(|_, of| *of != user));
}

/// Moves the sessions of one user to another: all of it is seen, or nothing.
fn merge(from: u64, to: u64) -> Result<(), String> {
    let mut changes = Transaction::new();
    changes.emit(SessionsChanged { user: from });
    changes.emit(SessionsChanged { user: to });
    changes.emit(UserUpdated { user: from });
    tables(|tables| {
        if tables.users.remove(&from).is_none() {
            return Err(format!("there is no user {from}"));
        }
        tables.sessions.values_mut().filter(|of| **of == from).for_each(|of| *of = to);
        Ok(())
    })?;
    changes.commit();
    Ok(())
}

fn show(what: &str, session: u64) {
    println!("{what}:");
    println!("  {}", greeting(session));
}

fn main() -> Result<(), String> {
    tables(|tables| tables.users.extend([(1, "Ada".to_owned()), (2, "Grace".to_owned())]));
    log_in(1, 100);
    log_in(2, 200);

    show("At first everything is read", 100);
    show("Then nothing is", 100);
    rename(1, "Ada Lovelace".to_owned())?;
    show("After a change of the name, that and the greeting are", 100);
    log_in(1, 101);
    show("After a login, the sessions are", 100);
    println!("{}", rename(3, "nobody".to_owned()).expect_err("there is no user 3"));
    show("What fails changes nothing", 100);
    show("The other user", 200);
    merge(2, 1)?;
    show("All sessions are Ada's now", 200);
    log_out_everywhere(1);
    show("Until she has logged out", 200);

    // By hand: one event, all events of a type, and what depends on one call.
    emit(UserUpdated { user: 1 });
    emit_all::<SessionsChanged>();
    name::invalidate(&1);

    let audit = Cache::global().audit();
    println!("\n{audit}");
    Ok(())
}
