//! The cookies of a session.

use std::time::Duration;

use axum::http::HeaderMap;
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};

use crate::config;
use crate::http::csrf;
use crate::http::openapi::SESSION_COOKIE;

/// The cookie that tells the shop's own pages the CSRF token, also after a reload.
pub const CSRF_COOKIE: &str = "bookstore_csrf";

/// How cookies are set.
#[derive(Clone, Copy, Debug)]
pub struct SessionCookies {
    secure: bool,
    max_age: Duration,
}

impl From<&config::Auth> for SessionCookies {
    fn from(settings: &config::Auth) -> Self {
        Self { secure: settings.cookie_secure, max_age: settings.session_absolute }
    }
}

impl SessionCookies {
    /// The cookies of a session that has just begun. Scripts can read the CSRF token and never the session's.
    pub fn of(&self, token: &str) -> CookieJar {
        let csrf = self.cookie(CSRF_COOKIE, csrf::token_of(token), self.max_age);
        let session = self.cookie(SESSION_COOKIE, token.to_owned(), self.max_age);
        CookieJar::new().add(Cookie::build(session).http_only(true)).add(csrf)
    }

    /// Empties the cookies that a request came with, after its session has ended.
    pub fn cleared(&self, headers: &HeaderMap) -> CookieJar {
        let given = CookieJar::from_headers(headers);
        let mut cleared = CookieJar::new();
        for name in [SESSION_COOKIE, CSRF_COOKIE] {
            if given.get(name).is_some() {
                let cookie = self.cookie(name, String::new(), Duration::ZERO);
                cleared = cleared.add(Cookie::build(cookie).http_only(name == SESSION_COOKIE));
            }
        }
        cleared
    }

    /// `Lax` sends it along when a link leads to the shop, and with no request that another site makes by itself.
    fn cookie(&self, name: &'static str, value: String, max_age: Duration) -> Cookie<'static> {
        let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        Cookie::build((name, value))
            .path("/")
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(time::Duration::seconds(seconds))
            .build()
    }
}
