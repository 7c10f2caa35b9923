//! How statements find their rows.

use sqlx::Row;

use crate::world::World;

/// The rooms' statements, with three rows where there is a list: one row is planned in another way than several.
fn statements() -> Vec<(String, String)> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("sql");
    let rooms = [
        "audit",
        "bounce",
        "consent",
        "erase",
        "digest_",
        "event_count",
        "event_report",
        "inbox",
        "message",
        "preference",
        "provider",
        "recipient",
        "release",
        "report",
        "revision",
        "schedule",
        "suppression",
        "template",
        "tenant_settings",
        "cap_",
        "content_",
        "delivery_end",
        "delivery_load",
        "delivery_read",
        "delivery_seen",
        "key_",
        "notification_",
        "queue_begin",
        "queue_due.",
        "queue_extend",
        "queue_hasten",
        "queue_movable",
        "queue_pending",
        "queue_lent.",
        "queue_put_back",
        "queue_release",
        "queue_status",
        "queue_take_back",
        "sweep_audit",
        "sweep_consent",
        "sweep_digest_members",
        "sweep_history",
        "sweep_messages",
    ];
    let mut found = Vec::new();
    for file in std::fs::read_dir(folder).expect("folder") {
        let path = file.expect("file").path();
        let name = path
            .file_name()
            .expect("name")
            .to_string_lossy()
            .into_owned();
        if rooms.iter().any(|room| name.starts_with(room)) {
            found.push((
                name,
                three_rows(&std::fs::read_to_string(path).expect("reads")),
            ));
        }
    }
    found
}

fn three_rows(sql: &str) -> String {
    let marker = ["/*rows*/", "/*padded*/"]
        .into_iter()
        .find(|marker| sql.contains(marker));
    let Some((before, rest)) = marker.and_then(|marker| sql.split_once(marker)) else {
        return sql.to_owned();
    };
    let (row, after) = rest.split_at(rest.find(')').expect("a row ends") + 1);
    format!("{before}{row}, {row}, {row}{after}")
}

/// Steps that go through a list that the statement brings along.
const OWN_LISTS: [&str; 12] = [
    "SCAN (subquery",
    "SCAN v",
    "SCAN CONSTANT ROW",
    "SCAN 3 CONSTANT ROWS",
    "SCAN 3-ROW VALUES CLAUSE",
    "SCAN json_each",
    "SCAN asked",
    "SCAN lane",
    "SCAN full",
    "SCAN gone",
    "SCAN page",
    "SCAN runs",
];

/// All providers are asked for, and there are few; of suppressions only the first is read in order; kept reports are counted, and
/// those that are due, like the messages of a delivery, are sorted by age. What is erased looks through the runs of histories and the
/// kept reports, which are few; what is forgotten looks at a piece. Of lanes there are few: what is pending in each is read in
/// order, and sorted together; what is pending for one person is sorted.
const ON_PURPOSE: [&str; 13] = [
    "provider_all.sql",
    "suppression_places.sql",
    "report_state.sql: SCAN notify_reports USING COVERING INDEX",
    "report_due.sql: USE TEMP B-TREE",
    "message_of_delivery.sql: USE TEMP B-TREE",
    "erase_find.sql: SCAN runs",
    "erase_sending.sql: SCAN runs",
    "erase_reports.sql",
    "sweep_consents.sql: SCAN c",
    "sweep_audit.sql: SCAN notify_audit",
    "queue_pending.sql: SCAN l",
    "queue_pending.sql: USE TEMP B-TREE",
    "queue_pending_of.sql: USE TEMP B-TREE",
];

#[tokio::test]
async fn no_statement_of_a_room_reads_a_whole_table() {
    let world = World::new().await;
    let statements = statements();
    assert!(statements.len() > 40, "{}", statements.len());
    let mut scans = Vec::new();
    for (name, sql) in statements {
        let plan = world.rows(&format!("EXPLAIN QUERY PLAN {sql}")).await;
        for step in plan.iter().map(|row| row.get::<String, _>("detail")) {
            let is_own = OWN_LISTS.iter().any(|list| step.starts_with(list));
            if !is_own && (step.starts_with("SCAN ") || step.contains("ORDER BY")) {
                scans.push(format!("{name}: {step}"));
            }
        }
    }
    scans.retain(|scan| !ON_PURPOSE.iter().any(|name| scan.starts_with(name)));
    assert!(scans.is_empty(), "{scans:#?}");
}
