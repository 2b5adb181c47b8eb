using System.Data.Common;
using System.Text.Json;
using CertAuthority.Access.Notices;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;

namespace CertAuthority.Store;

/// <summary>A receiver of notices.</summary>
/// <param name="Name">The unique name: <c>command</c>, <c>mail</c>, or <c>webhook/</c> and a name.</param>
/// <param name="Filter">The notices that it receives.</param>
/// <param name="IsPersonal">
/// Whether it delivers to people, each of whom gets only the requests that concern them. Otherwise it gets every event.
/// </param>
/// <param name="AddressTemplate">If it delivers to people: the addresses of users whom groups define; null for none.</param>
internal sealed record Receiver(string Name, NoticeFilter Filter, bool IsPersonal = false, string? AddressTemplate = null);

/// <summary>An event that is queued for a receiver.</summary>
/// <param name="Number">The number, which is never used again.</param>
/// <param name="Receiver">The name of the receiver.</param>
/// <param name="Recipient">The person to whom the receiver delivers; null if it does not deliver to people.</param>
/// <param name="Event">The JSON of <paramref name="Notification"/>, as written by any version of the daemon.</param>
/// <param name="Attempts">How many times it was sent.</param>
/// <param name="Notification">The event in the form in which it is sent now.</param>
internal sealed record Outgoing(long Number, string Receiver, string? Recipient, string Event, int Attempts, Notification Notification);

/// <summary>The tables of receivers and of the events queued for them.</summary>
internal static class OutboxTable
{
    /// <summary>
    /// The largest number of events queued for one receiver. Above it, the oldest events about the user with the most are dropped: a
    /// receiver that gets every event late is of no use.
    /// </summary>
    public const int MostWaiting = 10_000;

    /// <summary>The largest share of one user's requests, so that nobody takes other people's places.</summary>
    public const int MostAboutOne = 500;

    private const string Columns = "number, receiver, recipient, event, attempts";

    /// <summary>
    /// Sets the receivers from now on. Events queued for removed receivers are dropped; a receiver that remains keeps its events, even
    /// those that a changed filter would reject.
    /// </summary>
    public static void SetReceivers(this Transaction transaction, IReadOnlyCollection<Receiver> receivers)
    {
        foreach (var former in transaction.Receivers().Where(one => !receivers.Any(receiver => receiver.Name == one.Name)))
            transaction.Execute("DELETE FROM receivers WHERE name = $1", former.Name);
        foreach (var receiver in receivers)
            transaction.Execute(
                """
                INSERT INTO receivers (name, given_up, events, roles, personal, address_template) VALUES ($1, 0, $2, $3, $4, $5)
                ON CONFLICT (name) DO UPDATE SET events = excluded.events, roles = excluded.roles, personal = excluded.personal,
                    address_template = excluded.address_template
                """,
                receiver.Name, Rows.Json(receiver.Filter.Events), Rows.Json(receiver.Filter.Roles.Select(role => role.Text)),
                receiver.IsPersonal, receiver.AddressTemplate);
    }

    public static List<Receiver> Receivers(this Snapshot snapshot) => snapshot.QueryReadable(
        "SELECT name, events, roles, personal, address_template FROM receivers ORDER BY name",
        row => new Receiver(
            row.String("name"), new NoticeFilter(row.Texts("events"), [.. row.Texts("roles").Select(Pattern)]), row.Flag("personal"),
            row.Text("address_template")));

    public static List<ReceiverStatus> ReceiverStatuses(this Snapshot snapshot) =>
        snapshot.QueryReadable(
            "SELECT name, (SELECT count(*) FROM outbox WHERE receiver = name) AS waiting, given_up, failure, failed_at FROM receivers ORDER BY name",
            row => new ReceiverStatus(
                row.String("name"), row.Long("waiting"), row.Long("given_up"), row.Text("failure"),
                row.IsNull("failed_at") ? null : row.Time("failed_at")));

    /// <summary>Queues an event for a receiver, or for each of the people to whom it delivers.</summary>
    public static void Put(this Transaction transaction, Receiver receiver, IEnumerable<string?> recipients, Notification notification)
    {
        var json = JsonSerializer.Serialize(notification, ProtocolJson.Strict.Of<Notification>());
        var about = notification.Request?.Spec.User;
        foreach (var recipient in recipients)
            transaction.Execute(
                "INSERT INTO outbox (receiver, recipient, event, attempts, next_at, about) VALUES ($1, $2, $3, 0, $4, $5)", receiver.Name,
                recipient, json, notification.Time, about);
        if (about is not null && Waiting("about = $2", about) is var own and > MostAboutOne)
            Drop(about, own - MostAboutOne);
        if (Waiting("CAST($2 AS TEXT) IS NULL", null) is var all and > MostWaiting)
            Drop(
                transaction.QueryFirst(
                    "SELECT about FROM outbox WHERE receiver = $1 GROUP BY about ORDER BY count(*) DESC LIMIT 1", row => row.Text("about"),
                    receiver.Name), all - MostWaiting);

        long Waiting(string which, string? value) =>
            transaction.QueryFirst(
                $"SELECT count(*) FROM outbox WHERE receiver = $1 AND {which}", row => row.GetInt64(0), receiver.Name, value);

        void Drop(string? whose, long count) => transaction.GiveUp(receiver.Name, transaction.Execute(
            "DELETE FROM outbox WHERE number IN (SELECT number FROM outbox WHERE receiver = $1 AND about IS NOT DISTINCT FROM $2 ORDER BY number LIMIT $3)",
            receiver.Name, whose, count));
    }

    /// <summary>
    /// Returns the next event to send, or null if none is due. An event that cannot be read does not delay the following ones.
    /// </summary>
    public static Outgoing? NextDue(this Snapshot snapshot, string receiver, DateTimeOffset now) =>
        snapshot.QueryFirstReadable(
            $"SELECT {Columns} FROM outbox WHERE receiver = $1 AND next_at <= $2 ORDER BY next_at, number", Row, receiver, now);

    /// <summary>Returns every queued event, for all receivers.</summary>
    public static List<Outgoing> Waiting(this Snapshot snapshot) =>
        snapshot.QueryReadable($"SELECT {Columns} FROM outbox ORDER BY number", Row);

    /// <summary>Counts an attempt before it is made, so that an attempt that a crash interrupts counts too.</summary>
    /// <param name="transaction">The database.</param>
    /// <param name="outgoing">The event.</param>
    /// <param name="retry">When it is due again if the result of this attempt is never recorded.</param>
    /// <returns>The event in its current state, or null if it no longer exists.</returns>
    public static Outgoing? BeginAttempt(this Transaction transaction, Outgoing outgoing, DateTimeOffset retry) =>
        transaction.QueryFirst(
            $"UPDATE outbox SET attempts = attempts + 1, next_at = $2 WHERE number = $1 RETURNING {Columns}", Row, outgoing.Number, retry);

    public static void Delivered(this Transaction transaction, Outgoing outgoing) =>
        transaction.Execute("DELETE FROM outbox WHERE number = $1", outgoing.Number);

    /// <summary>Records a failure. Without a time for the next attempt, there will be none.</summary>
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

    private static NamePattern Pattern(string text) =>
        NamePattern.TryParse(text, out var fault) ?? throw new FormatException($"{text}: {fault}");

    private static Outgoing Row(DbDataReader row)
    {
        var (json, attempts) = (row.String("event"), (int)row.Long("attempts"));
        var notification = JsonSerializer.Deserialize(json, ProtocolJson.Lenient.Of<Notification>())
            ?? throw new JsonException("the event is null");
        return new(
            row.Long("number"), row.String("receiver"), row.Text("recipient"), json, attempts, notification with { Attempt = attempts });
    }
}
