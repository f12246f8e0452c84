use super::*;
use crate::config::Config;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

fn limiter(settings: &[(&str, &str)]) -> RateLimiter {
    let urls = [("database.url", "postgres://db/shop"), ("redis.url", "redis://redis")];
    let settings = urls.iter().chain(settings).map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    RateLimiter::new(&Config::load(None, [], settings).unwrap().limits, None)
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_refuses_and_says_when_to_come_back() {
    let limiter = limiter(&[("limits.read_per_address", "3/30s")]);
    for remaining in [2, 1, 0] {
        let verdict = limiter.count(Class::Read, None, HOME).await;
        let reset = Duration::from_secs(10) * (3 - remaining);
        assert_eq!(verdict, Verdict { policy: Policy::ReadAddress, allowed: true, remaining, reset });
    }
    let refused = limiter.count(Class::Read, None, HOME).await;
    assert!(!refused.allowed && refused.reset == Duration::from_secs(10), "{refused:?}");
    assert!(limiter.count(Class::Read, None, IpAddr::from([192, 0, 2, 2])).await.allowed, "another has its own");
    tokio::time::advance(refused.reset).await;
    assert!(limiter.count(Class::Read, None, HOME).await.allowed);
    assert!(!limiter.count(Class::Read, None, HOME).await.allowed);
}

#[tokio::test(start_paused = true)]
async fn every_class_has_its_own_quotas() {
    let limiter = limiter(&[
        ("limits.read_per_address", "1/1h"),
        ("limits.read_per_user", "2/1h"),
        ("limits.write_per_address", "3/1h"),
        ("limits.write_per_user", "4/1h"),
        ("limits.sign_in_per_address", "5/1h"),
    ]);
    let token = [1; 16];
    limiter.remember(token, Uuid::from_u128(7));
    for (class, token, policy, quota) in [
        (Class::Read, None, Policy::ReadAddress, 1),
        (Class::Read, Some(&token), Policy::ReadUser, 2),
        (Class::Write, None, Policy::WriteAddress, 3),
        (Class::Write, Some(&token), Policy::WriteUser, 4),
        (Class::SignIn, Some(&token), Policy::SignInAddress, 5),
    ] {
        for _ in 0..quota {
            let verdict = limiter.count(class, token, HOME).await;
            assert!(verdict.allowed && verdict.policy == policy, "{verdict:?}");
        }
        assert!(!limiter.count(class, token, HOME).await.allowed, "{policy:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_verified_token_counts_against_its_user_and_a_made_up_one_against_the_address() {
    let limiter = limiter(&[("limits.read_per_address", "1/1h"), ("limits.read_per_user", "2/1h")]);
    assert_eq!(limiter.count(Class::Read, Some(&[1; 16]), HOME).await.policy, Policy::ReadAddress);
    assert!(!limiter.count(Class::Read, Some(&[2; 16]), HOME).await.allowed, "changing the token does not help");
    limiter.remember([1; 16], Uuid::from_u128(7));
    limiter.tidy();
    for allowed in [true, true, false] {
        assert_eq!(limiter.count(Class::Read, Some(&[1; 16]), HOME).await.allowed, allowed);
    }
    tokio::time::advance(REMEMBERED_FOR).await;
    assert_eq!(
        limiter.count(Class::Read, Some(&[1; 16]), HOME).await.policy,
        Policy::ReadAddress,
        "to be verified anew"
    );
}

#[test]
fn a_network_of_ipv6_counts_as_one() {
    let address = |text: &str| network_of(text.parse().unwrap());
    assert_eq!(address("2001:db8:1:2:3:4:5:6"), address("2001:db8:1:2::1"));
    assert_ne!(address("2001:db8:1:2::1"), address("2001:db8:1:3::1"));
    assert_eq!(address("::ffff:192.0.2.1"), HOME);
}

#[test]
fn numbers_of_policies_are_their_places() {
    for (place, policy) in Policy::ALL.into_iter().enumerate() {
        assert_eq!(policy as usize, place);
    }
}
