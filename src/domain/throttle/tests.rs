use super::*;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn throttle() -> Throttle {
    let quota = |requests, seconds| Quota {
        requests: std::num::NonZeroU32::new(requests).unwrap(),
        window: Duration::from_secs(seconds),
    };
    Throttle {
        counters: Some(Counters {
            address: Counter::new(quota(30, 60)),
            pair: Counter::new(quota(3, 60)),
            account: Counter::new(quota(6, 60)),
        }),
    }
}

fn elsewhere(number: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, number])
}

fn admitted(throttle: &Throttle, email: &str, address: IpAddr) -> Attempt {
    match throttle.admit(email, address) {
        Admission::Admitted(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn failures_use_up_the_allowance_of_one_address_and_it_refills() {
    let throttle = throttle();
    for _ in 0..3 {
        admitted(&throttle, "ada@shop.example", HOME);
    }
    let Admission::Refused(wait) = throttle.admit("ada@shop.example", HOME) else { panic!("not refused") };
    assert!(wait > Duration::from_secs(19) && wait <= Duration::from_secs(20), "{wait:?}");
    admitted(&throttle, "bob@shop.example", HOME);
    admitted(&throttle, "ada@shop.example", elsewhere(1));
    tokio::time::advance(wait).await;
    admitted(&throttle, "ada@shop.example", HOME);
}

#[tokio::test(start_paused = true)]
async fn success_costs_nothing() {
    let throttle = throttle();
    for _ in 0..20 {
        throttle.give_back(admitted(&throttle, "ada@shop.example", HOME));
    }
    for _ in 0..3 {
        admitted(&throttle, "ada@shop.example", HOME);
    }
    assert!(matches!(throttle.admit("ada@shop.example", HOME), Admission::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn many_machines_at_one_account_are_slowed_and_its_known_devices_are_not() {
    let throttle = throttle();
    for number in 0..6 {
        admitted(&throttle, "ada@shop.example", elsewhere(number));
    }
    for number in 6..9 {
        let admission = throttle.admit("ada@shop.example", elsewhere(number));
        assert!(matches!(admission, Admission::OnlyIfKnown(..)), "{admission:?}");
    }
    // What was never charged to the account is not given back to it.
    let Admission::OnlyIfKnown(attempt, _) = throttle.admit("ada@shop.example", HOME) else { panic!() };
    throttle.give_back(attempt);
    assert!(matches!(throttle.admit("ada@shop.example", HOME), Admission::OnlyIfKnown(..)));
}

#[tokio::test(start_paused = true)]
async fn one_machine_at_many_accounts_is_slowed() {
    let throttle = throttle();
    for number in 0..30 {
        throttle.give_back(admitted(&throttle, &format!("{number}@shop.example"), HOME));
    }
    assert!(matches!(throttle.admit("one-more@shop.example", HOME), Admission::Refused(_)));
    assert!(throttle.charge_address(HOME).is_err());
    assert!(throttle.charge_address(elsewhere(1)).is_ok());
}

#[test]
fn a_network_of_ipv6_counts_as_one() {
    let address = |text: &str| network(text.parse().unwrap());
    assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::1"));
    assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
    assert_eq!(address("::ffff:192.0.2.1"), HOME);
}

#[test]
fn the_memory_is_bounded() {
    let counter = Counter::new(Quota { requests: std::num::NonZeroU32::MIN, window: Duration::from_secs(3600) });
    let now = Instant::now();
    for key in 0..MOST_KEYS + 10 {
        counter.charge(&key, now).unwrap();
    }
    assert!(counter.full_at.lock().unwrap().len() <= MOST_KEYS);
}
