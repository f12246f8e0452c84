//! `bookstore evaluate-recommendations`

use std::{io::Write as _, process::ExitCode, sync::Arc};

use crate::{
    app,
    config::Config,
    db::Db,
    domain::recommendations::{
        Recommendations,
        evaluation::{Evaluation, FEWEST, GUESSES},
    },
    http,
    model::clock::SystemClock,
};

/// Hides one book of each reader, lets every method guess it, and prints how often each was right.
///
/// # Errors
/// When the database cannot be read, or what readers did cannot be counted.
pub fn run(config: &Config, seed: u64) -> anyhow::Result<ExitCode> {
    let evaluation = super::block_on(async {
        let db = Db::new(&config.database)?;
        db.probe_once().await;
        db.check_schema().await?;
        let store = app::store(config, &db)?;
        let settings = config.recommendations.clone();
        let recommendations =
            Recommendations::new(store, Arc::new(SystemClock), settings, http::recommendations::render);
        let outcome = recommendations.evaluate(seed).await;
        db.close().await;
        Ok(outcome?)
    })?;
    std::io::stdout().write_all(report(&evaluation, seed).as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn report(evaluation: &Evaluation, seed: u64) -> String {
    let Evaluation { readers, books, likes, asked, results } = evaluation;
    let mut text = format!(
        "{readers} readers, {books} books, {likes} likes; one book hidden of each of the {asked} readers of {FEWEST} books \
         and more (seed {seed})\n\n{:<28}hit rate at {GUESSES}   95% confidence\n",
        "method"
    );
    for (method, rate) in results {
        let percent = |share: f64| share * 100.0;
        let (low, high) = rate.interval;
        text += &format!(
            "{:<28}{:>13.1}%   {:.1}% to {:.1}%\n",
            method.name(),
            percent(rate.rate),
            percent(low),
            percent(high)
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::recommendations::evaluation::{HitRate, Method};

    #[test]
    fn the_report_names_methods_rates_and_bounds() {
        let results = vec![(Method::MostPopular, HitRate::of(10, 100)), (Method::Cosine, HitRate::of(50, 100))];
        let text = report(&Evaluation { readers: 120, books: 40, likes: 900, asked: 100, results }, 7);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "120 readers, 40 books, 900 likes; one book hidden of each of the 100 readers of 5 books and more (seed 7)"
        );
        assert_eq!(lines[2], "method                      hit rate at 10   95% confidence");
        assert_eq!(lines[3], "most popular                         10.0%   5.5% to 17.4%");
        assert_eq!(lines[4], "cosine                               50.0%   40.4% to 59.6%");
    }
}
