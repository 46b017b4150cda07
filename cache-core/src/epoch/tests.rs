use super::*;
use crate::clock::tests::eventually;
use crate::sync::Arc;
use std::sync::mpsc;
use std::thread;

fn pinned() -> Pin {
    pin().expect("the thread is not ending")
}

/// Checks that something is free when those who read in other tests have gone on.
#[track_caller]
fn becomes_free(retired: Retired) {
    eventually("it is free", || retired.is_free());
}

#[test]
fn a_reader_delays_what_is_retired_while_it_is_pinned_and_nothing_else() {
    let before = retire();
    let (pin_sender, pin_receiver) = mpsc::channel();
    let (unpin_sender, unpin_receiver) = mpsc::channel::<()>();
    let reader = thread::spawn(move || {
        let _pin = pinned();
        pin_sender.send(()).expect("somebody waits");
        unpin_receiver.recv().expect("somebody says so");
    });
    pin_receiver.recv().expect("the reader is pinned");
    let meanwhile = [retire(), retire()];
    becomes_free(before);
    assert!(!meanwhile[0].is_free() && !meanwhile[1].is_free());
    unpin_sender.send(()).expect("the reader waits");
    reader.join().expect("a reader without trouble");
    meanwhile.into_iter().for_each(becomes_free);
}

#[test]
fn a_thread_that_is_pinned_again_delays_nothing_from_before() {
    let first = pinned();
    let before = retire();
    assert!(!before.is_free());
    drop(first);
    let _second = pinned();
    becomes_free(before);
}

#[test]
fn a_thread_is_pinned_once() {
    let outer = pinned();
    let before = retire();
    assert!(pin().is_none(), "it is pinned already");
    assert!(!before.is_free(), "the pin is still there");
    drop(outer);
    becomes_free(before);
    drop(pinned());
}

#[test]
fn slots_are_used_again_and_their_counts_stay() {
    const N_THREADS: u64 = 200;
    let n_slots = || SLOTS.lock().all.len() as u64;
    let (tally, n_before) = (Tally::new(), n_slots());
    for n in 1..=N_THREADS {
        let count = move || {
            pinned().slot.count_hit(tally);
        };
        thread::spawn(count).join().expect("a thread without trouble");
        assert_eq!(tally.total(&Threads::all()), n);
    }
    // Other tests start some threads too.
    assert!(n_slots() - n_before < N_THREADS / 2, "{} of {n_before}", n_slots());
}

#[test]
fn any_number_of_functions_is_counted() {
    const N_TALLIES: u64 = 300;
    let tallies: Arc<[Tally]> = (0..N_TALLIES).map(|_| Tally::new()).collect();
    assert!(tallies[299].0 as usize >= 4 * Tallies::N_FIRST, "beyond the first blocks");
    let counting = [(); 2].map(|()| {
        let tallies = Arc::clone(&tallies);
        thread::spawn(move || {
            let pin = pinned();
            for (tally, n_hits) in tallies.iter().zip(1..) {
                for _ in 0..n_hits {
                    pin.slot.count_hit(*tally);
                }
            }
        })
    });
    for thread in counting {
        thread.join().expect("a thread without trouble");
    }
    for (tally, n_hits) in tallies.iter().zip(1..) {
        assert_eq!(tally.total(&Threads::all()), 2 * n_hits);
    }
    assert_eq!(Tally::new().total(&Threads::all()), 0, "a function that nobody has called");
}

#[test]
fn tallies_have_places_of_their_own() {
    let mut expected =
        (0..).flat_map(|block| (0..Tallies::N_FIRST << block).map(move |idx| (block, idx)));
    for n in Tallies::N_FIRST as u32..5_000 {
        assert_eq!(Some(Tallies::place(Tally(n))), expected.next());
    }
    assert!(Tallies::place(Tally(u32::MAX)).0 < Tallies::default().others.len());
}

#[test]
fn a_thread_that_is_ending_has_no_slot_and_no_trouble() {
    /// Looks whether the thread can be pinned when the thread's values are dropped.
    struct Late(mpsc::Sender<bool>);
    impl Drop for Late {
        fn drop(&mut self) {
            let _ = self.0.send(pin().is_some());
        }
    }
    thread_local! {
        static EARLIER: Cell<Option<Late>> = const { Cell::new(None) };
        static LATER: Cell<Option<Late>> = const { Cell::new(None) };
    }
    let (sender, receiver) = mpsc::channel();
    let end = move || {
        EARLIER.set(Some(Late(sender.clone())));
        drop(pinned());
        LATER.set(Some(Late(sender)));
    };
    thread::spawn(end).join().expect("a thread without trouble");
    // Which of the two goes before the slot does depends on the platform.
    let mut had_slot: Vec<bool> = receiver.iter().collect();
    had_slot.sort_unstable();
    assert_eq!(had_slot, [false, true]);
}
