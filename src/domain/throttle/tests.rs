use super::*;
use crate::config::Config;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn throttle() -> Throttle {
    let settings = [
        ("database.url", "postgres://db/shop"),
        ("redis.url", "redis://redis"),
        ("limits.sign_in_per_address", "30/1m"),
        ("limits.sign_in_per_account", "3/1m"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let limits = Config::load(None, [], settings).unwrap().limits;
    Throttle::new(&limits, Some(&RateLimiter::new(&limits, None)))
}

fn elsewhere(number: u8) -> IpAddr {
    IpAddr::from([198, 51, 100, number])
}

async fn admitted(throttle: &Throttle, email: &str, address: IpAddr) -> Attempt {
    match throttle.admit(email, address).await {
        Admission::Admitted(attempt) => attempt,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn failures_use_up_the_allowance_of_one_address_and_it_refills() {
    let throttle = throttle();
    for _ in 0..3 {
        admitted(&throttle, "ada@shop.example", HOME).await;
    }
    let Admission::Refused(wait) = throttle.admit("ada@shop.example", HOME).await else { panic!("not refused") };
    assert!(wait > Duration::from_secs(19) && wait <= Duration::from_secs(20), "{wait:?}");
    admitted(&throttle, "bob@shop.example", HOME).await;
    admitted(&throttle, "ada@shop.example", elsewhere(1)).await;
    tokio::time::advance(wait).await;
    admitted(&throttle, "ada@shop.example", HOME).await;
}

#[tokio::test(start_paused = true)]
async fn success_costs_nothing() {
    let throttle = throttle();
    for _ in 0..40 {
        throttle.give_back(admitted(&throttle, "ada@shop.example", HOME).await).await;
    }
    for _ in 0..3 {
        admitted(&throttle, "ada@shop.example", HOME).await;
    }
    assert!(matches!(throttle.admit("ada@shop.example", HOME).await, Admission::Refused(_)));
}

#[tokio::test(start_paused = true)]
async fn many_machines_at_one_account_are_slowed_and_its_known_devices_are_not() {
    let throttle = throttle();
    for number in 0..30 {
        admitted(&throttle, "ada@shop.example", elsewhere(number)).await;
    }
    for number in 30..33 {
        let admission = throttle.admit("ada@shop.example", elsewhere(number)).await;
        assert!(matches!(admission, Admission::OnlyIfKnown(..)), "{admission:?}");
    }
    // What was never charged to the account is not given back to it.
    let Admission::OnlyIfKnown(attempt, _) = throttle.admit("ada@shop.example", HOME).await else { panic!() };
    throttle.give_back(attempt).await;
    assert!(matches!(throttle.admit("ada@shop.example", HOME).await, Admission::OnlyIfKnown(..)));
}

#[tokio::test(start_paused = true)]
async fn other_uses_of_a_password_count_against_the_address() {
    let throttle = throttle();
    for _ in 0..30 {
        throttle.charge_address(HOME).await.unwrap();
    }
    assert_eq!(throttle.charge_address(HOME).await, Err(Duration::from_secs(2)));
    assert!(throttle.charge_address(elsewhere(1)).await.is_ok());
}
