//! Rate limits and load shedding.

use super::*;

fn field(response: &Response, name: &str) -> String {
    response.headers()[name].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn one_request_too_many_is_refused_with_the_time_to_come_back() {
    let app = app_with(&FrameOptions { limits: Some(limits_of(2, 1000)), ..options() });
    let first = get_path(&app, "/search").await;
    assert_eq!(field(&first, "ratelimit-policy"), "\"read-address\";q=2;w=100");
    assert_eq!(field(&first, "ratelimit"), "\"read-address\";r=1;t=50");
    get_path(&app, "/search").await;
    let refused = get_path(&app, "/search").await;
    assert_eq!(field(&refused, "ratelimit"), "\"read-address\";r=0;t=50");
    assert_eq!(field(&refused, "retry-after"), "50");
    assert_eq!(problem(refused).await.r#type, "/problems/too-many-requests");
    assert_eq!(get_path(&app, "/livez").await.status(), 200, "health is not limited");
}

#[tokio::test]
async fn a_user_has_a_limit_of_their_own() {
    let app = app_with(&FrameOptions { limits: Some(limits_of(2, 2)), ..options() });
    let bearer = [("authorization", "Bearer token")];
    let first = send(&app, "GET", "/me", &bearer, "").await;
    assert!(field(&first, "ratelimit-policy").starts_with("\"read-address\""), "not known before it was verified");
    for left in [1, 0] {
        let next = send(&app, "GET", "/me", &bearer, "").await;
        assert_eq!(next.status(), 200);
        assert!(field(&next, "ratelimit").starts_with(&format!("\"read-user\";r={left};")));
    }
    assert_eq!(send(&app, "GET", "/me", &bearer, "").await.status(), 429);
    for status in [200, 429] {
        let made_up = send(&app, "GET", "/search", &[("authorization", "Bearer other")], "").await;
        assert!(
            field(&made_up, "ratelimit-policy").starts_with("\"read-address\""),
            "a token that nobody verified counts"
        );
        assert_eq!(made_up.status(), status);
    }
}

#[tokio::test]
async fn without_limits_nothing_is_said() {
    let app = app_with(&FrameOptions { limits: None, ..options() });
    assert!(!get_path(&app, "/search").await.headers().contains_key("ratelimit"));
}

#[tokio::test]
async fn work_beyond_the_room_for_it_is_refused_at_once() {
    let app = app_with(&FrameOptions { max_in_flight: 2, ..options() });
    let slow = || Box::pin(app.answer(request("GET", "/slow", &[], ""), None));
    let busy = futures::future::join(slow(), slow());
    let refused = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(get_path(&app, "/readyz").await.status(), 200, "busy is not dead");
        let response = get_path(&app, "/search").await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "1");
        problem(response).await
    };
    let (_, refused) = Box::pin(futures::future::join(busy, refused)).await;
    assert_eq!(refused.r#type, "/problems/overloaded");
    assert_eq!(get_path(&app, "/search").await.status(), 200, "the room is free again");
}
