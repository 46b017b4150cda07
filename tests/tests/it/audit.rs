//! What does not fit together among functions and events is found, by a test of one line.

use cache_core::testing::TestCache;
use cache_core::{Audit, Event, cached, emit, invalidates};

#[derive(Event)]
struct Matched {
    id: u32,
}

#[derive(Event)]
struct NeverEmitted {
    id: u32,
}

#[derive(Event)]
struct NeverHeard;

#[derive(Event)]
struct Computed(u32);

#[cached(invalidate_on = [Matched { id }, NeverEmitted { id }, ("audit of names", id), "audit of texts"])]
fn listens(id: u32) -> u32 {
    id
}

#[cached(invalidate_on = |value| [NeverEmitted { id: *value }])]
fn listens_by_value(id: u32) -> u32 {
    id
}

fn computed(id: u32) -> Computed {
    Computed(id)
}

#[cached(invalidate_on = [computed(id)])]
fn listens_to_what_is_computed(id: u32) -> u32 {
    id
}

#[invalidates(Matched { id }, NeverHeard, Computed(id), "audit of texts")]
fn emits(id: u32) {
    let _ = id;
}

#[cached]
fn unbounded(id: u32) -> u32 {
    id
}

#[cached(invalidate_on = [])]
fn never_changes(id: u32) -> u32 {
    id
}

#[cached(ttl = 1h)]
fn lives_for_an_hour(id: u32) -> u32 {
    id
}

#[cached(idle = 1h)]
fn lives_while_it_is_used(id: u32) -> u32 {
    id
}

/// What the audit finds in this file: other tests do not fit together at all.
fn found(audit: &Audit) -> [Vec<(Option<&str>, &str)>; 3] {
    [&audit.never_emitted, &audit.never_heard, &audit.unbounded].map(|findings| {
        let here = findings.iter().filter(|finding| finding.file == file!());
        here.map(|finding| (finding.event.as_deref(), finding.function)).collect()
    })
}

#[test]
fn what_does_not_fit_together_is_known_before_anything_is_called() {
    let cache = TestCache::new();
    let audit = cache.audit();
    assert!(!audit.is_clean());
    let (name, value) = ("listens", "listens_by_value");
    let missing = [
        (Some("(\"audit of names\", _)"), name),
        (Some("NeverEmitted"), name),
        (Some("NeverEmitted"), value),
    ];
    let unheard = [(Some("Computed"), "emits"), (Some("NeverHeard"), "emits")];
    assert_eq!(found(&audit), [missing.to_vec(), unheard.to_vec(), vec![(None, "unbounded")]]);
    let text = audit.to_string();
    let unbounded = audit.unbounded.iter().find(|it| it.file == file!()).expect("one is here");
    assert!(text.contains(&format!("{}:{}: `unbounded` has neither", file!(), unbounded.line)));
    assert!(text.contains("`listens` depends on an event that nobody emits: `NeverEmitted`"));
    assert!(text.contains("`emits` emits an event that no result depends on: `NeverHeard`"));
}

#[test]
fn what_happens_at_run_time_counts_as_well() {
    let cache = TestCache::new();
    cache.run(|| {
        emit(("audit of names", 7));
        emit(NeverEmitted { id: 7 });
        listens_to_what_is_computed(7);
        emits(7);
    });
    let unheard = vec![(Some("NeverHeard"), "emits")];
    assert_eq!(found(&cache.audit()), [vec![], unheard, vec![(None, "unbounded")]]);
}

#[test]
fn a_lifetime_for_all_functions_bounds_all() {
    let hour = std::time::Duration::from_secs(3600);
    let cache = TestCache::from_builder(cache_core::Cache::builder().ttl(hour));
    assert!(cache.audit().unbounded.is_empty());
}

#[test]
fn an_audit_that_found_nothing_says_so() {
    let audit = Audit::default();
    assert!(audit.is_clean());
    assert_eq!(audit.to_string(), "the audit found nothing");
}

#[test]
fn the_functions_of_this_file_do_what_they_say() {
    TestCache::new().run(|| {
        let calls: [fn(u32) -> u32; 4] =
            [listens_by_value, never_changes, lives_for_an_hour, lives_while_it_is_used];
        assert!(calls.iter().all(|call| call(7) == 7) && unbounded(7) == 7 && listens(7) == 7);
    });
}
