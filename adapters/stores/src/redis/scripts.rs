//! What has to be one step.

use redis::aio::ConnectionManager;
use redis::{RedisResult, Script, Value};
use webex_oauth::SNAPSHOT_KEPT_FOR;
use webex_oauth_driver::{Put, Replaces};

use super::names;
use crate::limits::{millis, span};
use crate::revisions::COUNT_BITS;
use crate::{Claim, Key};

/// A record without `body` is one that was deleted. What is not encrypted does not take the place of what is. `KEYS[2]` and the name
/// of a client are what is due of that client. Answers a number, and what was found where it is 1.
const SAVE: &str = "
    local found = redis.call('HMGET', KEYS[1], 'revision', 'body', 'key_id', 'client')
    if ARGV[1] == '' then
        if found[2] then return {1, found[2]} end
        if found[1] then
            local new, old, counted = tonumber(ARGV[2]), tonumber(found[1]), tonumber(ARGV[7])
            if new <= old and math.floor(new / counted) == math.floor(old / counted) then return {2} end
        end
    elseif not found[2] or found[1] ~= ARGV[1] then
        return {1, found[2]}
    end
    if found[2] and found[3] and found[3] ~= '' and ARGV[4] == '' then return {1, found[2]} end
    redis.call('HSET', KEYS[1], 'revision', ARGV[2], 'body', ARGV[3], 'key_id', ARGV[4])
    if ARGV[5] == 'as it is' then return {0} end
    redis.call('HSET', KEYS[1], 'client', ARGV[8])
    if ARGV[9] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[9]) end
    if found[4] and (found[4] ~= ARGV[8] or ARGV[5] == '') then redis.call('ZREM', KEYS[2] .. found[4], ARGV[6]) end
    if ARGV[5] ~= '' then redis.call('ZADD', KEYS[2] .. ARGV[8], ARGV[5], ARGV[6]) end
    return {0}
";

const DELETE: &str = "
    local client = redis.call('HGET', KEYS[1], 'client')
    if redis.call('HDEL', KEYS[1], 'body', 'key_id', 'client') > 0 then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
    if client then redis.call('ZREM', KEYS[2] .. client, ARGV[1]) end
";

/// The names of the records come from what is due: they have the hash tag of `KEYS[1]`. A record whose time to live was over has
/// left its name behind.
const CLAIM: &str = "
    local claimed = {}
    repeat
        local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[3])
        for _, member in ipairs(due) do
            if redis.call('EXISTS', ARGV[4] .. member) == 0 then
                redis.call('ZREM', KEYS[1], member)
            else
                redis.call('ZADD', KEYS[1], ARGV[2], member)
                local body = redis.pcall('HGET', ARGV[4] .. member, 'body')
                if type(body) == 'table' then body = false end
                claimed[#claimed + 1] = {member, body}
            end
        end
    until #claimed > 0 or #due == 0
    return claimed
";

pub(super) struct Scripts {
    save: Script,
    delete: Script,
    claim: Script,
}

/// When a session is due that is saved.
pub(super) enum Due {
    AsItSays,
    AsItIs,
}

/// What a save has found.
pub(super) enum Found {
    AsExpected,
    Other(Option<String>),
    /// A revision that the deleted record may have had.
    Used,
    Nonsense,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self { save: Script::new(SAVE), delete: Script::new(DELETE), claim: Script::new(CLAIM) }
    }

    pub(super) async fn save(
        &self,
        connection: &mut ConnectionManager,
        key: &Key,
        put: &Put,
        due: Due,
    ) -> RedisResult<Found> {
        let replaces = match put.replaces {
            Replaces::Nothing => None,
            Replaces::Revision(revision) => Some(revision),
        };
        let due = match due {
            Due::AsItSays => millis(put.due_at).map(|at| at.to_string()).unwrap_or_default(),
            Due::AsItIs => "as it is".to_owned(),
        };
        let mut call = self.save.key(names::record(key));
        call.key(names::due_prefix(names::shard(key)))
            .arg(replaces.map(|revision| revision.to_string()).unwrap_or_default())
            .arg(put.revision)
            .arg(put.snapshot.expose())
            .arg(put.sealed_with().unwrap_or_default())
            .arg(due)
            .arg(key.to_text())
            .arg(1_u64 << COUNT_BITS)
            .arg(put.client_tag().unwrap_or_default())
            .arg(put.may_go_after().map(|kept_for| span(kept_for).to_string()).unwrap_or_default());
        let answer: Value = call.invoke_async(connection).await?;
        Ok(read(answer))
    }

    pub(super) async fn delete(&self, connection: &mut ConnectionManager, key: &Key) -> RedisResult<()> {
        let mut call = self.delete.key(names::record(key));
        call.key(names::due_prefix(names::shard(key))).arg(key.to_text()).arg(span(SNAPSHOT_KEPT_FOR));
        call.invoke_async(connection).await
    }

    /// Members, and the body of each where there is one.
    pub(super) async fn claim(
        &self,
        connection: &mut ConnectionManager,
        shard: u8,
        claim: &Claim,
        most: u64,
    ) -> RedisResult<Vec<(String, Option<String>)>> {
        let mut call = self.claim.key(names::due(shard, &claim.client));
        call.arg(millis(Some(claim.now))).arg(millis(Some(claim.until))).arg(most).arg(names::prefix(shard));
        call.invoke_async(connection).await
    }
}

fn read(answer: Value) -> Found {
    let Value::Array(parts) = answer else { return Found::Nonsense };
    let body = match parts.get(1) {
        Some(Value::BulkString(bytes)) => match String::from_utf8(bytes.clone()) {
            Ok(body) => Some(body),
            Err(_) => return Found::Nonsense,
        },
        Some(_) | None => None,
    };
    match parts.first() {
        Some(Value::Int(0)) => Found::AsExpected,
        Some(Value::Int(1)) => Found::Other(body),
        Some(Value::Int(2)) => Found::Used,
        Some(_) | None => Found::Nonsense,
    }
}
