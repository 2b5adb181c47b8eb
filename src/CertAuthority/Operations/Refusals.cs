using System.Text.Json.Nodes;
using CertAuthority.Access;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Route = CertAuthority.Protocol.Route;

namespace CertAuthority.Operations;

/// <summary>A call that was refused.</summary>
/// <param name="Route">What was called.</param>
/// <param name="Said">What the message said, name by name; nobody has checked it.</param>
/// <param name="Problem">What the caller was told.</param>
internal sealed record RefusedCall(Route Route, ILookup<string, string> Said, Problem Problem)
{
    /// <summary>The texts and lists of texts of a message, with what stood in the path and the query.</summary>
    public static ILookup<string, string> WhatWasSaid(JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside) =>
        outside.Select(one => (one.Key, one.Value))
            .Concat((body ?? []).SelectMany(member => (member.Value as JsonArray ?? [member.Value?.DeepClone()])
                .OfType<JsonValue>().Select(value => (member.Key, Value: value.TryGetValue<string>(out var text) ? text : ""))))
            .ToLookup(one => one.Key, one => one.Value);
}

/// <summary>The audit of those who were refused access.</summary>
internal static class Refusals
{
    // Of one uid in a minute: who is refused all the time must not fill the disk.
    private const int Entries = 10;
    private const int LongestReason = 300;

    /// <summary>Whether a refusal is one of access. A message that can not be understood, or one that came when nothing could be done, is none.</summary>
    public static bool AreOfAccess(Route route, ProblemCode code) =>
        code == ProblemCode.Denied
        || (route == Routes.Login && code is ProblemCode.NoLogin or ProblemCode.NotFound or ProblemCode.Conflict or ProblemCode.Expired or ProblemCode.Limited);

    /// <summary>Writes it down, unless there were many of late; then once a minute that there were.</summary>
    /// <param name="ca">Where.</param>
    /// <param name="by">Who was refused.</param>
    /// <param name="countedAs">The uid among whose refusals it counts.</param>
    /// <param name="call">What was refused.</param>
    public static async Task Record(Ca ca, Caller by, uint countedAs, RefusedCall call)
    {
        var entry = by.Did("access.refused", ca.Now());
        if (ca.Refusals.Wait((countedAs, TooMany: false), Entries) is null)
            await ca.Database.Commit(transaction =>
            {
                string[] requests = [.. call.Said["requests"].Where(IsStartOfId).Take(IssuancePolicy.MaxRequests).Select(id => Whole(transaction, id))];
                transaction.Audit(entry with
                {
                    User = call.Said["user"].FirstOrDefault(Names.IsName),
                    Request = call.Said["id"].Where(IsStartOfId).Select(id => Whole(transaction, id)).FirstOrDefault(),
                    Requests = requests.Length > 0 ? requests : null,
                    Route = $"{call.Route.Method} {call.Route.Path}",
                    Reason = call.Problem.Detail.Length > LongestReason ? call.Problem.Detail[..LongestReason] + "…" : call.Problem.Detail,
                });
                return true;
            });
        else if (ca.Refusals.Wait((countedAs, TooMany: true), 1) is null)
            await ca.Database.Commit(transaction =>
            {
                transaction.Audit(entry with { Reason = $"more than {Entries} refusals within a minute; the others are not recorded" });
                return true;
            });
    }

    private static bool IsStartOfId(string text) => text.Length is > 0 and <= 36 && text.All(c => char.IsAsciiHexDigitLower(c) || c == '-');

    private static string Whole(Snapshot snapshot, string id)
    {
        try
        {
            return snapshot.FindRequest(id, null).Id.ToString();
        }
        catch (ProblemException)
        {
            return id;
        }
    }
}
