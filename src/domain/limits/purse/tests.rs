use proptest::prelude::*;

use super::*;

const QUOTA: u32 = 200;
const GRANT: i32 = 10;

fn terms() -> Terms {
    Terms { gcra: Gcra { interval: Duration::from_secs(1), burst: QUOTA }, grant: GRANT }
}

fn drawn(granted: u32, left: u32, wait: u64) -> Option<Drawn> {
    Some(Drawn { granted, left, wait: Duration::from_secs(wait) })
}

/// Counts until a request is not admitted: how many were, the questions meanwhile, and what became of the last one.
fn spend(purse: &mut Purse, now: Instant) -> (u32, Vec<Demand>, Decision) {
    let (mut admitted, mut questions) = (0, Vec::new());
    loop {
        let Step { decision, question, .. } = purse.count(&terms(), now);
        questions.extend(question.map(|question| question.demand));
        match decision {
            Decision::Admitted { .. } => admitted += 1,
            last => return (admitted, questions, last),
        }
    }
}

#[test]
fn a_process_is_at_most_one_grant_behind_and_one_ahead() {
    let now = Instant::now();
    let mut purse = Purse::new(&terms(), now);
    let (admitted, questions, last) = spend(&mut purse, now);
    assert_eq!(admitted, GRANT as u32, "on credit");
    assert!(matches!(last, Decision::Later(_)), "{last:?}");
    let first = Demand { settled: 1, wanted: 10 };
    assert_eq!(questions, [first], "one question at a time");

    purse.answered(first, drawn(10, 189, 0), now);
    assert_eq!(purse.cells, 1, "eleven came, and ten had been spent");
    let (admitted, questions, _) = spend(&mut purse, now);
    assert_eq!(admitted, 1 + GRANT as u32);
    let second = Demand { settled: 0, wanted: 10 };
    assert_eq!(questions, [second]);
    purse.answered(second, drawn(10, 179, 0), now);
    assert_eq!(purse.cells, 0);
    let step = purse.count(&terms(), now);
    assert_eq!(step.question.unwrap().demand, Demand { settled: 1, wanted: 10 }, "what was let through is settled");
}

#[test]
fn the_next_grant_is_there_before_this_one_is_spent() {
    let now = Instant::now();
    let mut purse = Purse::new(&terms(), now);
    let (mut questions, mut left) = (0, QUOTA);
    for number in 1..=100 {
        let Step { decision, question, .. } = purse.count(&terms(), now);
        assert!(matches!(decision, Decision::Admitted { left } if left == QUOTA - number), "{decision:?}");
        if let Some(Question { demand, .. }) = question {
            questions += 1;
            left -= demand.settled as u32 + demand.wanted;
            purse.answered(demand, drawn(demand.wanted, left, 0), now);
        }
        assert!(purse.cells <= GRANT, "never more than one grant");
    }
    assert!((10..=21).contains(&questions), "{questions} questions for 100 requests");
}

#[test]
fn whoever_has_used_all_is_refused_without_a_question_and_gets_no_credit() {
    let now = Instant::now();
    let mut purse = Purse::new(&terms(), now);
    let demand = purse.count(&terms(), now).question.unwrap().demand;
    purse.answered(demand, drawn(0, 0, 3), now);
    let step = purse.count(&terms(), now);
    assert!(matches!(step.decision, Decision::Refused { wait } if wait == Duration::from_secs(3)), "{step:?}");
    assert!(step.question.is_none());
    let later = now + Duration::from_secs(3);
    let step = purse.count(&terms(), later);
    assert!(matches!(step.decision, Decision::Later(_)), "{step:?}");
    let demand = step.question.unwrap().demand;
    assert_eq!(demand, Demand { settled: 0, wanted: 10 });
    purse.answered(demand, drawn(1, 0, 1), later);
    assert!(matches!(purse.count(&terms(), later).decision, Decision::Admitted { .. }));
}

#[test]
fn without_an_answer_a_process_decides_alone_and_asks_now_and_then() {
    let now = Instant::now();
    let mut purse = Purse::new(&terms(), now);
    let demand = purse.count(&terms(), now).question.unwrap().demand;
    purse.answered(demand, None, now);
    let (admitted, questions, last) = spend(&mut purse, now);
    assert_eq!(admitted, QUOTA - 1, "what was let through before counts");
    assert!(matches!(last, Decision::Refused { wait } if wait == Duration::from_secs(1)), "{last:?}");
    assert!(questions.is_empty());
    let later = now + PAUSE;
    let step = purse.count(&terms(), later);
    assert!(step.alone && matches!(step.decision, Decision::Refused { .. }), "nobody waits meanwhile: {step:?}");
    let demand = step.question.unwrap().demand;
    assert!(!purse.is_idle(later + Duration::from_secs(600)), "an answer is awaited");
    purse.answered(demand, drawn(10, 180, 0), later);
    assert!(!purse.is_idle(later) && purse.is_idle(later + Duration::from_secs(600)));
    assert!(!purse.count(&terms(), later).alone, "shared again");
}

#[tokio::test]
async fn an_answer_wakes_those_who_wait_however_late_they_begin() {
    let now = Instant::now();
    let mut purse = Purse::new(&terms(), now);
    let question = purse.count(&terms(), now).question.unwrap();
    let (_, _, Decision::Later(waiting)) = spend(&mut purse, now) else { panic!() };
    purse.answered(question.demand, drawn(10, 189, 0), now);
    question.waiting.notify_waiters();
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
}

/// What a simulated process does next.
#[derive(Clone, Copy, Debug)]
enum Act {
    Request(usize),
    /// The answer to its question comes, or Redis was asked in vain.
    Answer(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![4 => (0..3_usize).prop_map(Act::Request), 1 => (0..3_usize).prop_map(Act::Answer)];
    proptest::collection::vec(act, 0..4_000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Three processes and one bucket that nothing comes back to, with answers as late as one likes.
    #[test]
    fn processes_together_exceed_a_quota_by_a_grant_each_at_most(acts in acts()) {
        let now = Instant::now();
        let mut purses = [(); 3].map(|()| Purse::new(&terms(), now));
        let mut questions: [Option<Demand>; 3] = [None; 3];
        let (mut taken, mut admitted) = (0, 0);
        for act in acts {
            match act {
                Act::Request(process) => {
                    let Step { decision, question, .. } = purses[process].count(&terms(), now);
                    admitted += i32::from(matches!(decision, Decision::Admitted { .. }));
                    if let Some(question) = question {
                        prop_assert!(questions[process].replace(question.demand).is_none(), "two questions at once");
                    }
                }
                Act::Answer(process) => {
                    let Some(demand) = questions[process].take() else { continue };
                    taken += demand.settled;
                    let granted = (QUOTA as i32 - taken).clamp(0, demand.wanted as i32);
                    taken += granted;
                    let left = (QUOTA as i32 - taken).max(0) as u32;
                    purses[process].answered(demand, drawn(granted as u32, left, 1), now);
                }
            }
            for purse in &purses {
                prop_assert!((-GRANT..=GRANT).contains(&purse.cells), "{} cells", purse.cells);
            }
            let held: i32 = purses.iter().map(|purse| purse.cells).sum();
            prop_assert_eq!(taken, admitted + held, "a cell came from nowhere, or went there");
            prop_assert!(admitted <= QUOTA as i32 + 3 * GRANT);
        }
    }
}
