use super::*;

fn settings(env: &[(&str, &str)]) -> config::Auth {
    let base = [
        ("BOOKSTORE_DATABASE__URL", "postgres://localhost/none"),
        ("BOOKSTORE_REDIS__URL", "redis://localhost"),
        ("BOOKSTORE_AUTH__ARGON2_MEMORY_KIB", "64"),
        ("BOOKSTORE_AUTH__ARGON2_ITERATIONS", "1"),
    ];
    let env = base.iter().chain(env).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    config::Config::load(None, env, []).unwrap().auth
}

#[tokio::test]
async fn a_password_is_verified_and_an_old_hash_is_noticed() {
    let weak = Passwords::new(&settings(&[])).unwrap();
    let strong = Passwords::new(&settings(&[("BOOKSTORE_AUTH__ARGON2_MEMORY_KIB", "128")])).unwrap();
    let password = Password::new("tr0ub4dor&3");
    let hash = weak.hash(&password).await.unwrap();
    assert!(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{hash}");
    assert_eq!(weak.verify(&password, Some(&hash)).await.unwrap(), Verdict::Right { outdated: false });
    assert_eq!(strong.verify(&password, Some(&hash)).await.unwrap(), Verdict::Right { outdated: true });
    assert_eq!(weak.verify(&Password::new("tr0ub4dor&4"), Some(&hash)).await.unwrap(), Verdict::Wrong);
    assert!(weak.verify(&password, Some("$argon2id$nonsense")).await.is_err());
}

#[tokio::test]
async fn an_unknown_user_costs_one_hash_as_well() {
    let passwords = Passwords::new(&settings(&[])).unwrap();
    assert_eq!(passwords.verify(&Password::new("anything"), None).await.unwrap(), Verdict::Wrong);
    assert_eq!(passwords.computed(), 1);
}

#[tokio::test]
async fn one_password_from_two_keyboards_is_the_same() {
    let passwords = Passwords::new(&settings(&[])).unwrap();
    let hash = passwords.hash(&Password::new("ca\u{0301}ffee-ﬁt")).await.unwrap();
    let verdict = passwords.verify(&Password::new("c\u{00e1}ffee-fit"), Some(&hash)).await.unwrap();
    assert_eq!(verdict, Verdict::Right { outdated: false });
}

#[tokio::test]
async fn what_does_not_fit_the_queue_is_refused() {
    let few = settings(&[("BOOKSTORE_AUTH__HASH_CONCURRENCY", "1"), ("BOOKSTORE_AUTH__HASH_QUEUE", "3")]);
    let passwords = Passwords::new(&few).unwrap();
    let password = Password::new("tr0ub4dor&3");
    // The one thread is busy until everybody has asked, so that what is refused does not depend on its speed.
    let busy = Arc::clone(&passwords.inner.threads).acquire_owned().await.unwrap();
    let asking = futures::future::join_all((0..20).map(|_| passwords.hash(&password)));
    let (outcomes, ()) = futures::future::join(asking, async move { drop(busy) }).await;
    let refused = outcomes.iter().filter(|outcome| matches!(outcome, Err(PasswordError::Busy))).count();
    assert_eq!((outcomes.len() - refused, refused), (4, 16));
    assert_eq!((passwords.computed(), passwords.refused()), (4, 16));
    assert!(passwords.hash(&password).await.is_ok(), "the places are given back");
}

#[test]
fn a_password_does_not_show_itself() {
    assert!(!format!("{:?}", Password::new("hunter2hunter2")).contains("hunter2"));
}
