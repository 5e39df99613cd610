//! Where the time went: the numbers and the timeline.

use simpleflow_core::testing::HistoryBuilder;
use simpleflow_model::Timestamp;
use simpleflow_swf::History;
use simpleflow_swf::profile::{Timeline, seconds};

/// Time passes by a second with each step.
fn history() -> History {
    let history = HistoryBuilder::new()
        .started("[]")
        .decision(|d| {
            d.schedule_activity("short-1", "short")
                .schedule_activity("long-1", "long")
                .schedule_activity("open-1", "open")
        })
        .activity_started("long-1")
        .activity_started("short-1")
        .activity_completed("short-1", "1")
        .activity_failed("long-1", "<script>alert('&')</script>\u{1}", "{}")
        .signaled("go \"on\"", "1");
    History::new(history.build())
}

#[test]
fn what_took_longest_comes_first() {
    let history = history();
    let rows: Vec<_> = history
        .profile()
        .iter()
        .map(|timing| {
            let seconds = (timing.waited.as_secs(), timing.ran.as_secs());
            (
                timing.task.id.to_string(),
                seconds,
                timing.percentage.round(),
            )
        })
        .collect();
    let total = history.elapsed().as_secs_f64();
    let percent = |seconds: f64| (seconds / total * 100.0).round();
    assert_eq!(
        rows,
        [
            ("long-1".to_owned(), (1, 5), percent(5.0)),
            ("short-1".to_owned(), (2, 2), percent(2.0)),
        ]
    );
}

#[test]
fn a_time_is_the_number_that_its_decimals_are() {
    for millis in 1..20_000 {
        let decimals = format!("{}.{:03}", millis / 1_000, millis % 1_000);
        let time = std::time::Duration::from_millis(millis);
        assert_eq!(
            seconds(time).to_string(),
            decimals.parse::<f64>().unwrap().to_string()
        );
    }
}

#[test]
fn the_timeline_is_one_file_and_escapes_everything() {
    let history = history();
    let now = Timestamp::from_millis(history.span().unwrap().1.as_micros() / 1_000 + 9_000);
    let html = Timeline::new(&history, "order <7> & \"co\"", now).to_string();
    insta::assert_snapshot!(html);
    assert!(!html.contains("<script>alert") && !html.contains('\u{1}'));
    for outside in ["http:", "https:", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(outside), "{outside}");
    }
}

#[test]
fn what_was_refused_is_seen_but_is_no_attempt() {
    let history = HistoryBuilder::new()
        .started("[]")
        .decision(|d| {
            d.schedule_activity("late-1", "late")
                .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
                .schedule_activity("late-1", "late")
                .schedule_activity("twice-1", "twice")
                .refused("ACTIVITY_TYPE_DOES_NOT_EXIST")
                .schedule_activity("twice-1", "twice")
        })
        .activity_completed("late-1", "1")
        .activity_failed("twice-1", "no", "{}")
        .decision(|d| d.schedule_activity("twice-1", "twice"))
        .activity_completed("twice-1", "1");
    let history = History::new(history.build());
    let html = Timeline::new(&history, "t", history.span().unwrap().1).to_string();
    assert_eq!(html.matches("ACTIVITY_TYPE_DOES_NOT_EXIST").count(), 2);
    let attempts: Vec<_> = html.match_indices("(attempt ").collect();
    assert_eq!(attempts.len(), 2, "{html}");
    for attempt in ["failed (attempt 1 of 2)", "completed (attempt 2 of 2)"] {
        assert!(html.contains(attempt), "{attempt}: {html}");
    }
}

#[test]
fn a_timeline_of_no_time_is_one_too() {
    let started = History::new(HistoryBuilder::new().started("[]").build());
    let start = started.span().unwrap().0;
    for (history, now) in [(&started, start), (&History::new(Vec::new()), start)] {
        let html = Timeline::new(history, "t", now).to_string();
        assert!(
            html.ends_with("</html>\n") && !html.contains("NaN"),
            "{html}"
        );
    }
}
