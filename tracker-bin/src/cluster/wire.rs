//! What etcd's gateway says and is asked, as JSON: keys and values are base64, large numbers are texts.

use data_encoding::BASE64;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes of a key or value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Base64(pub(super) Vec<u8>);

impl Base64 {
    pub(super) fn of(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }

    /// The text; what is none is nothing of ours, and no key or value of ours has such letters.
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }
}

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map(Self).map_err(D::Error::custom)
    }
}

/// A number of 64 bits, which JSON has as a text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(pub(super) i64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Text(String),
            Number(i64),
        }
        match Either::deserialize(deserializer)? {
            Either::Text(text) => text.parse().map(Self).map_err(D::Error::custom),
            Either::Number(number) => Ok(Self(number)),
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
    pub(super) revision: Number,
}

#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct KeyValue {
    pub(super) key: Base64,
    pub(super) value: Base64,
    pub(super) mod_revision: Number,
    /// How often the key was written since it was made.
    pub(super) version: Number,
    pub(super) lease: Number,
}

#[derive(Debug, Default, Serialize)]
pub(super) struct RangeRequest {
    pub(super) key: Base64,
    pub(super) range_end: Base64,
    pub(super) limit: Number,
    pub(super) revision: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangeAnswer {
    pub(super) header: Header,
    pub(super) kvs: Vec<KeyValue>,
    pub(super) more: bool,
}

/// One thing of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) enum Op {
    #[serde(rename = "request_range")]
    Range { key: Base64 },
    #[serde(rename = "request_put")]
    Put { key: Base64, value: Base64, lease: Number },
    #[serde(rename = "request_delete_range")]
    DeleteRange { key: Base64 },
}

/// A key is as it was at this revision; 0: it is not there.
#[derive(Debug, Serialize)]
pub(super) struct Compare {
    target: &'static str,
    result: &'static str,
    key: Base64,
    mod_revision: Number,
}

impl Compare {
    pub(super) fn unchanged(key: &str, mod_revision: i64) -> Self {
        Self { target: "MOD", result: "EQUAL", key: Base64::of(key), mod_revision: Number(mod_revision) }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct TxnRequest {
    pub(super) compare: Vec<Compare>,
    pub(super) success: Vec<Op>,
    pub(super) failure: Vec<Op>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct TxnAnswer {
    pub(super) header: Header,
    pub(super) succeeded: bool,
    pub(super) responses: Vec<OpAnswer>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OpAnswer {
    pub(super) response_range: Option<RangeAnswer>,
}

#[derive(Debug, Serialize)]
pub(super) struct GrantRequest {
    #[serde(rename = "TTL")]
    pub(super) seconds: Number,
}

#[derive(Debug, Serialize)]
pub(super) struct LeaseRequest {
    #[serde(rename = "ID")]
    pub(super) lease: Number,
}

/// Also what each answer to a lease that is kept alive says; 0 seconds: it is over.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LeaseAnswer {
    #[serde(rename = "ID")]
    pub(super) lease: Number,
    #[serde(rename = "TTL")]
    pub(super) seconds: Number,
}

#[derive(Debug, Serialize)]
pub(super) struct WatchRequest {
    pub(super) create_request: WatchCreation,
}

#[derive(Debug, Serialize)]
pub(super) struct WatchCreation {
    pub(super) key: Base64,
    pub(super) range_end: Base64,
    pub(super) start_revision: Number,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WatchAnswer {
    pub(super) header: Header,
    pub(super) canceled: bool,
    pub(super) compact_revision: Number,
    pub(super) events: Vec<Event>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum EventKind {
    #[default]
    Put,
    Delete,
}

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default)]
pub(super) struct Event {
    #[serde(rename = "type")]
    pub(super) kind: EventKind,
    pub(super) kv: KeyValue,
}

/// What a stream says, a line each.
#[derive(Debug, Deserialize)]
pub(super) struct Streamed<T> {
    pub(super) result: Option<T>,
    pub(super) error: Option<Refused>,
}

/// An error of etcd.
#[derive(Debug, Default, Clone, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct Refused {
    pub(super) message: String,
    #[serde(alias = "grpc_code")]
    pub(super) code: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_etcd_3_4_says_is_read() {
        let watched = r#"{"result":{"header":{"cluster_id":"15118495548433857066","revision":"3","raft_term":"2"},
            "events":[{"type":"DELETE","kv":{"key":"cG90b2svbi9hbm5h","mod_revision":"3"}},{"kv":{"key":"YQ==","value":"eA=="}}]}}"#;
        let read: Streamed<WatchAnswer> = serde_json::from_str(watched).expect("a watch");
        let answer = read.result.expect("a result");
        let events: Vec<_> = answer.events.iter().map(|event| (event.kind, event.kv.key.text())).collect();
        assert_eq!(events, [(EventKind::Delete, "potok/n/anna".into()), (EventKind::Put, "a".into())]);
        assert_eq!((answer.header.revision.0, answer.canceled), (3, false));
        let compacted = r#"{"result":{"header":{"raft_term":"2"},"canceled":true,"compact_revision":"3"}}"#;
        let read: Streamed<WatchAnswer> = serde_json::from_str(compacted).expect("the end of a watch");
        assert_eq!(read.result.map(|end| (end.canceled, end.compact_revision.0)), Some((true, 3)));
        let txn = r#"{"header":{"revision":"2"},"responses":[{"response_range":{"header":{"revision":"2"},
            "kvs":[{"key":"YQ==","create_revision":"2","mod_revision":"2","version":"1","value":"eA=="}],"count":"1"}},
            {"response_range":{"header":{"revision":"2"}}}]}"#;
        let read: TxnAnswer = serde_json::from_str(txn).expect("a transaction");
        let found: Vec<usize> =
            read.responses.iter().map(|one| one.response_range.as_ref().map_or(9, |range| range.kvs.len())).collect();
        assert_eq!((read.succeeded, found), (false, vec![1, 0]));
        let refused = r#"{"error":"etcdserver: mvcc: required revision has been compacted","message":"etcdserver: mvcc:
            required revision has been compacted","code":11}"#
            .replace('\n', " ");
        assert_eq!(serde_json::from_str::<Refused>(&refused).expect("an error").code, 11);
    }

    #[test]
    fn what_is_asked_is_as_etcd_reads_it() {
        let request = TxnRequest {
            compare: vec![Compare::unchanged("a", 0)],
            success: vec![Op::Put { key: Base64::of("a"), value: Base64::of("x"), lease: Number(7) }],
            failure: vec![Op::Range { key: Base64::of("a") }, Op::DeleteRange { key: Base64::of("a") }],
        };
        let text = serde_json::to_string(&request).expect("JSON");
        assert_eq!(
            text,
            r#"{"compare":[{"target":"MOD","result":"EQUAL","key":"YQ==","mod_revision":"0"}],"success":[{"request_put":{"key":"YQ==","value":"eA==","lease":"7"}}],"failure":[{"request_range":{"key":"YQ=="}},{"request_delete_range":{"key":"YQ=="}}]}"#
        );
    }
}
