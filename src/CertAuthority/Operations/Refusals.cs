using System.Text.Json.Nodes;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Values;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Route = CertAuthority.Protocol.Route;

namespace CertAuthority.Operations;

/// <summary>A call that was refused.</summary>
/// <param name="Route">The route that was called.</param>
/// <param name="Said">The fields of the message, by name; nothing has checked them.</param>
/// <param name="Problem">The error that the caller got.</param>
internal sealed record RefusedCall(Route Route, ILookup<string, string> Said, Problem Problem)
{
    /// <summary>Collects the texts and lists of texts of a message, with the values from the path and the query.</summary>
    public static ILookup<string, string> WhatWasSaid(JsonObject? body, IEnumerable<KeyValuePair<string, string>> outside) =>
        outside.Select(one => (one.Key, one.Value))
            .Concat((body ?? []).SelectMany(member => (member.Value as JsonArray ?? [member.Value?.DeepClone()])
                .OfType<JsonValue>().Select(value => (member.Key, Value: value.TryGetValue<string>(out var text) ? text : ""))))
            .ToLookup(one => one.Key, one => one.Value);
}

/// <summary>Audits refused access.</summary>
internal static class Refusals
{
    private const int LongestReason = 300;

    /// <summary>
    /// Returns whether a refusal concerns access. A message that cannot be understood is not one, nor is a call that came when nothing
    /// could be done.
    /// </summary>
    public static bool AreOfAccess(Route route, ProblemCode code) =>
        code == ProblemCode.Denied
        || (route == Routes.Login
            && code is ProblemCode.NoLogin or ProblemCode.NotFound or ProblemCode.Conflict or ProblemCode.Expired or ProblemCode.Limited);

    /// <summary>
    /// Records a refusal, unless the account already had many within the minute: those are counted, and
    /// <see cref="RecordLeftOut(Authority)"/> records their number.
    /// </summary>
    /// <param name="ca">The authority.</param>
    /// <param name="by">The caller who was refused.</param>
    /// <param name="countedAs">The account that the refusal counts for.</param>
    /// <param name="call">The refused call.</param>
    public static async Task Record(Authority ca, Caller by, Refused countedAs, RefusedCall call)
    {
        var now = ca.Now();
        if (ca.Refusals.TryTake(countedAs, by, now))
            await ca.Database.Commit(transaction =>
            {
                string[] requests = [
                    .. call.Said["requests"].Where(IsStartOfId).Take(IssuancePolicy.MaxRequests).Select(id => Whole(transaction, id))];
                transaction.Audit(by.Did(AuditEvents.AccessRefused, now) with
                {
                    User = call.Said["user"].FirstOrDefault(Names.IsName),
                    Request = call.Said["id"].Where(IsStartOfId).Select(id => Whole(transaction, id)).FirstOrDefault(),
                    Requests = requests.Length > 0 ? requests : null,
                    Route = $"{call.Route.Method} {call.Route.Path}",
                    Reason = call.Problem.Detail.Length > LongestReason ? call.Problem.Detail[..LongestReason] + "…" : call.Problem.Detail,
                });
                return true;
            });
    }

    /// <summary>Records how many refusals were left out for each account, once its minute is over.</summary>
    public static async Task RecordLeftOut(Authority ca)
    {
        var leftOut = ca.Refusals.Take();
        if (leftOut.Count == 0)
            return;
        var now = ca.Now();
        try
        {
            await ca.Database.Commit(transaction =>
            {
                RecordLeftOut(transaction, leftOut, now);
                return true;
            });
        }
        catch (ProblemException)
        {
            ca.Refusals.PutBack(leftOut);
            throw;
        }
    }

    /// <summary>Records the left-out refusals in an existing transaction.</summary>
    public static void RecordLeftOut(Transaction transaction, IEnumerable<LeftOut> leftOut, DateTimeOffset now)
    {
        foreach (var one in leftOut)
            transaction.Audit((one.By ?? Caller.Daemon).Did(AuditEvents.RefusalsLeftOut, now) with
            {
                Count = one.Count,
                Reason = one.By is null
                    ? $"since {Instants.Show(one.Since)}; refusals of accounts that came when those of {RefusalLimit.MostStrangers} others were being recorded"
                    : $"since {Instants.Show(one.Since)}; {RefusalLimit.Recorded} refusals of one account are recorded within a minute",
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
