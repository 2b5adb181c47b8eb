using System.Data.Common;
using System.Text.Json;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>An event on its way to a receiver.</summary>
/// <param name="Number">Unique for ever.</param>
/// <param name="Receiver">Whom it is for.</param>
/// <param name="Event">A <see cref="Notification"/>, as whichever version of the daemon wrote it.</param>
/// <param name="Attempts">How often it has been told.</param>
internal sealed record Outgoing(long Number, string Receiver, string Event, int Attempts);

/// <summary>The tables of those who are told of what happens, and of what they have not been told yet.</summary>
internal static class OutboxTable
{
    /// <summary>What waits for one receiver. Beyond that the oldest is given up: who is told late of everything is told of nothing.</summary>
    public const int MostWaiting = 10_000;

    /// <summary>Those who are told, from now on. What waits for others is dropped; who stays keeps it.</summary>
    public static void SetReceivers(this Transaction transaction, IReadOnlyCollection<string> names)
    {
        foreach (var former in transaction.Receivers().Where(one => !names.Contains(one.Name)))
            transaction.Execute("DELETE FROM receivers WHERE name = $1", former.Name);
        foreach (var name in names)
            transaction.Execute("INSERT OR IGNORE INTO receivers (name, given_up) VALUES ($1, 0)", name);
    }

    public static List<ReceiverStatus> Receivers(this Snapshot snapshot) =>
        snapshot.Query(
            "SELECT name, (SELECT count(*) FROM outbox WHERE receiver = name), given_up, failure, failed_at FROM receivers ORDER BY name",
            row => new ReceiverStatus(row.GetString(0), row.GetInt64(1), row.GetInt64(2), row.Text(3), row.IsDBNull(4) ? null : row.Time(4)));

    /// <summary>Puts an event on its way to every receiver. Where there is none nothing is written.</summary>
    public static void Tell(this Transaction transaction, Notification notification)
    {
        var json = JsonSerializer.Serialize(notification, ProtocolJson.Strict.Of<Notification>());
        foreach (var receiver in transaction.Receivers())
        {
            transaction.Execute("INSERT INTO outbox (receiver, event, attempts, next_at) VALUES ($1, $2, 0, $3)", receiver.Name, json, notification.Time);
            if (receiver.Waiting < MostWaiting)
                continue;
            var dropped = transaction.Execute(
                "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE receiver = $1 ORDER BY number LIMIT $2)", receiver.Name, receiver.Waiting + 1 - MostWaiting);
            transaction.GiveUp(receiver.Name, dropped);
        }
    }

    /// <summary>The one whose turn it is, or null when nothing is due.</summary>
    public static Outgoing? NextDue(this Snapshot snapshot, string receiver, DateTimeOffset now) =>
        snapshot.QueryFirst("SELECT number, receiver, event, attempts FROM outbox WHERE receiver = $1 AND next_at <= $2 ORDER BY next_at, number LIMIT 1", Row, receiver, now);

    /// <summary>Counts an attempt before it is made, so that one that a crash cut short counts too.</summary>
    /// <param name="transaction">Where.</param>
    /// <param name="outgoing">Which.</param>
    /// <param name="retry">When it is due again, should nobody say how this attempt ended.</param>
    /// <returns>As it is told, or null when it is not there any more.</returns>
    public static Outgoing? BeginAttempt(this Transaction transaction, Outgoing outgoing, DateTimeOffset retry) =>
        transaction.QueryFirst(
            "UPDATE outbox SET attempts = attempts + 1, next_at = $2 WHERE number = $1 RETURNING number, receiver, event, attempts", Row, outgoing.Number, retry);

    public static void Delivered(this Transaction transaction, Outgoing outgoing) => transaction.Execute("DELETE FROM outbox WHERE number = $1", outgoing.Number);

    /// <summary>Notes a failure; without a time for the next attempt there is none.</summary>
    public static void Failed(this Transaction transaction, Outgoing outgoing, string why, DateTimeOffset now, DateTimeOffset? retry)
    {
        transaction.Execute("UPDATE receivers SET failed_at = $2, failure = $3 WHERE name = $1", outgoing.Receiver, now, why);
        if (retry is not null)
            transaction.Execute("UPDATE outbox SET next_at = $2 WHERE number = $1", outgoing.Number, retry);
        else
            transaction.GiveUp(outgoing.Receiver, transaction.Execute("DELETE FROM outbox WHERE number = $1", outgoing.Number));
    }

    private static void GiveUp(this Transaction transaction, string receiver, int count) =>
        transaction.Execute("UPDATE receivers SET given_up = given_up + $2 WHERE name = $1", receiver, count);

    private static Outgoing Row(DbDataReader row) => new(row.GetInt64(0), row.GetString(1), row.GetString(2), (int)row.GetInt64(3));
}
