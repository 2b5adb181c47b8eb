using System.Collections.Immutable;
using System.Security.Cryptography;
using CertAuthority.Access;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Issuing certificates.</summary>
internal static class Logins
{
    /// <summary>
    /// The order is the point. In one transaction: who is it, what is granted, what will be signed, recorded and audited.
    /// When that is on the disk, and not before: sign, verify, send. A crash in between leaves a record without a
    /// certificate, never a certificate without a record.
    /// </summary>
    public static async Task<LoggedIn> Issue(Ca ca, Caller by, Login ask)
    {
        var now = ca.Now();
        // The first certificate for each node within reach belongs to the login that is over already; any other is one more.
        var within = ask is { Session: { } named, Node: { } host } ? ca.Database.Read(snapshot =>
            snapshot.ActingUser(by, ask.User) is var user && Session(snapshot, user, named, now) is { } found && snapshot.Policy().Nodes.ContainsKey(host) && !snapshot.HasCertificateFor(found.Id, host)) : false;
        // Root could lift the bound, so it would keep him from nothing.
        if (!within && !by.IsRoot && ca.Logins.Wait(by.Identity.Uid, ca.Limits.LoginsPerMinute) is { } wait)
            throw Verdicts.Refused(new Refusal(
                $"{by.Name} has tried to log in {ca.Limits.LoginsPerMinute} times within a minute; that is the limit",
                $"try again in {Durations.Show(wait)}",
                RefusalKind.Limited));
        var key = Verdicts.Key(ask.PublicKey);
        TimeSpan? wish = ask.Ttl is null ? null : Verdicts.Duration("--ttl", ask.Ttl);

        if (!ask.Regular && ask.Requests is null or [] && RequestAccessOf(ca, by, ask.User, now) is { } access)
            return new LoggedIn(ca.HostCa.PublicKey.ToLine("host CA"), RequestAccess: access);

        var (session, issued, login, whose) = await ca.Database.Commit(transaction =>
        {
            var user = transaction.ActingUser(by, ask.User);
            var policy = transaction.Policy();
            ImmutableArray<AccessRequest> requests = [.. (ask.Requests ?? []).Select(id => transaction.FindRequest(id, user.Id)).DistinctBy(request => request.Id)];
            var begun = ask is { Session: { } name, Node: not null } ? Session(transaction, user, name, now) ?? throw Verdicts.Refused(new Refusal("the login session has ended", "tsh login", RefusalKind.Expired)) : null;
            // Taken by a call that came between: one more certificate for the node is a login of its own.
            if (begun is not null && transaction.HasCertificateFor(begun.Id, ask.Node!))
                begun = null;
            var question = new IssuanceQuestion(now, user, requests, policy.Roles, policy.Nodes.Values.ToList(), wish, transaction.CountLiveSessions(user, now, begun?.Id), ca.Limits)
            {
                Locks = policy.LocksAt(now),
                IsSecurityKey = key.Type.StartsWith("sk-", StringComparison.Ordinal),
                Node = ask.Node,
                SessionEnds = begun?.Ends,
            };
            if (!IssuancePolicy.Decide(question).Holds(out var granted, out var refusal))
                throw Verdicts.Refused(refusal);

            var serials = granted.Grants.Select(_ => transaction.NextSerial()).ToList();
            var belongsTo = begun ?? new LoginSession(serials is [var first, ..] ? first : transaction.NextSerial(), granted.Ends);
            if (begun is null)
                transaction.BeginSession(belongsTo, user, now);
            var certificates = granted.Grants.Zip(serials, (grant, serial) =>
            {
                var toBeSigned = ToBeSigned.From(grant, serial, RandomNumberGenerator.GetBytes(UserCertificate.NonceLength), key, ca.UserCa.PublicKey);
                var recorded = RecordedCertificate.Of(grant, by.Identity, serial, now, belongsTo.Id, ask.Node);
                transaction.InsertCertificate(recorded, toBeSigned.Bytes);
                transaction.Audit(by.Did("certificate.issued", now) with
                {
                    User = user.Name,
                    Serial = recorded.Serial.ToString(),
                    Granted = Shown.Names(recorded.Roles),
                    Requests = [.. recorded.Requests],
                    Principals = [.. recorded.Principals],
                    ValidBefore = recorded.ValidBefore,
                    LimitedBy = recorded.LimitedBy,
                });
                return new Issued(recorded, toBeSigned);
            }).ToList();
            return (belongsTo, certificates, granted, user.Name);
        });

        OneCertificate[] signed = [.. issued.Select(one => new OneCertificate(Certificate.ToLine(ca.UserCa.Sign(one.ToBeSigned), one.Recorded.KeyId), one.Recorded.Show()))];
        return new LoggedIn(ca.HostCa.PublicKey.ToLine("host CA"), signed.FirstOrDefault()?.Certificate, signed.FirstOrDefault()?.Info, PerHost: login.LeftOut > 0)
        {
            Others = signed.Length > 1 ? signed[1..] : null,
            Warnings = login.Missing.IsEmpty ? null : [.. login.Missing.Select(missing => missing.Hint is null ? missing.Message : $"{missing.Message}; {missing.Hint}")],
            Session = session.Id.ToString(),
            SessionEnds = session.Ends,
            User = whose,
        };
    }

    private sealed record Issued(RecordedCertificate Recorded, ToBeSigned ToBeSigned);

    private static LoginSession? Session(Snapshot snapshot, User user, string id, DateTimeOffset now) =>
        ulong.TryParse(id, out var number) && number <= long.MaxValue ? snapshot.FindSession(number, user, now) : null;

    /// <summary>What the user's roles say that a login is to ask for by itself, null where nothing.</summary>
    private static string? RequestAccessOf(Ca ca, Caller by, string? asked, DateTimeOffset now) => ca.Database.Read(snapshot =>
        by.Identity.ActAs(snapshot.UsersOf(by.Identity), asked).Holds(out var user, out _)
            ? Requesting.AccessOf(user, snapshot.Policy().Roles, now) switch { RequestAccess.Always => "always", RequestAccess.Reason => "reason", _ => null }
            : null);
}
