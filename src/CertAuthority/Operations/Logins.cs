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
        // Root could lift the bound, so it would keep him from nothing.
        if (!by.IsRoot && ca.Logins.Wait(by.Identity.Uid, ca.Limits.LoginsPerMinute) is { } wait)
            throw Verdicts.Refused(new Refusal(
                $"{by.Name} has tried to log in {ca.Limits.LoginsPerMinute} times within a minute; that is the limit",
                $"try again in {Durations.Show(wait)}",
                RefusalKind.Limited));
        var key = Verdicts.Key(ask.PublicKey);
        TimeSpan? wish = ask.Ttl is null ? null : Verdicts.Duration("--ttl", ask.Ttl);
        var nonce = RandomNumberGenerator.GetBytes(UserCertificate.NonceLength);
        var now = ca.Now();

        if (!ask.Regular && ask.Requests is null or [] && RequestAccessOf(ca, by, ask.User, now) is { } access)
            return new LoggedIn(ca.HostCa.PublicKey.ToLine("host CA"), RequestAccess: access);

        var issued = await ca.Database.Commit<Issued?>(transaction =>
        {
            var user = transaction.ActingUser(by, ask.User);
            var policy = transaction.Policy();
            ImmutableArray<AccessRequest> requests = [.. (ask.Requests ?? []).Select(id => transaction.FindRequest(id, user.Id)).DistinctBy(request => request.Id)];
            var question = new IssuanceQuestion(now, user, requests, policy.Roles, policy.Nodes.Values.ToList(), wish, transaction.CountLive(user, now), ca.Limits)
            {
                Locks = policy.LocksAt(now),
                IsSecurityKey = key.Type.StartsWith("sk-", StringComparison.Ordinal),
                Node = ask.Node,
            };
            if (!IssuancePolicy.Decide(question).Holds(out var grant, out var refusal))
                return refusal.Kind == RefusalKind.PerHost ? null : throw Verdicts.Refused(refusal);

            var toBeSigned = ToBeSigned.From(grant, transaction.NextSerial(), nonce, key, ca.UserCa.PublicKey);
            var recorded = RecordedCertificate.Of(grant, by.Identity, toBeSigned.Certificate.Serial, now);
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
            return new Issued(recorded, toBeSigned, grant.LeftOut);
        });

        if (issued is null)
            return new LoggedIn(ca.HostCa.PublicKey.ToLine("host CA"), PerHost: true);
        var certificate = ca.UserCa.Sign(issued.ToBeSigned);
        return new LoggedIn(ca.HostCa.PublicKey.ToLine("host CA"), Certificate.ToLine(certificate, issued.Recorded.KeyId), issued.Recorded.Show(), PerHost: issued.LeftOut > 0);
    }

    private sealed record Issued(RecordedCertificate Recorded, ToBeSigned ToBeSigned, int LeftOut);

    /// <summary>What the user's roles say that a login is to ask for by itself, null where nothing.</summary>
    private static string? RequestAccessOf(Ca ca, Caller by, string? asked, DateTimeOffset now) => ca.Database.Read(snapshot =>
        by.Identity.ActAs(snapshot.UsersOf(by.Identity), asked).Holds(out var user, out _)
            ? Requesting.AccessOf(user, snapshot.Policy().Roles, now) switch { RequestAccess.Always => "always", RequestAccess.Reason => "reason", _ => null }
            : null);
}
