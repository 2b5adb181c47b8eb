using System.Collections.Immutable;
using System.Security.Cryptography;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>Issues certificates.</summary>
internal static class Logins
{
    /// <summary>
    /// Issues a certificate. The order matters: one transaction finds the user, decides what is granted, and records and audits what will
    /// be signed. Only when that is on the disk does the daemon sign, verify and send. A crash in between leaves a record without a
    /// certificate, never a certificate without a record.
    /// </summary>
    public static async Task<LoggedIn> Issue(Authority ca, Caller by, Login ask)
    {
        var now = ca.NowToIssue();
        Problems.ExpectKey(ask.IdempotencyKey);
        var key = Problems.Key(ca, ask.PublicKey);
        // Before anything counts: a certificate that is recorded and cannot be signed uses up a serial and one of the user's certificates.
        await ca.Keys.User.Signing.ExpectUsable();
        TimeSpan? wish = ask.Ttl is null ? null : Problems.Duration("ttl", ask.Ttl);

        // The first certificate for each node that the policy grants was counted together with its login. Every other request counts.
        var isCounted = ask is { Session: not null, Node: not null } && ca.Database.Read(snapshot =>
            snapshot.ActingUser(by, ask.User) is var user && Begun(snapshot, user, ask, now) is { IsFresh: true } begun
            && Decide(snapshot, by, user, ask, key, wish, begun.Session, now, ca.Limits).Holds(out _, out _));
        if (!isCounted)
            Count(ca, by);

        var ahead = Ahead(by, ask, now);
        var outcome = await ca.Database.Commit(transaction => Record(ca, transaction, by, ask, key, wish, isCounted, now), ahead: ahead);
        if (outcome is null)
        {
            // Another call has meanwhile used the node's place in the session.
            Count(ca, by);
            outcome = (await ca.Database.Commit(
                transaction => Record(ca, transaction, by, ask, key, wish, isCounted: false, now), ahead: ahead))!;
        }
        if (outcome is MustRequestAccess access)
            return new LoggedIn(ca.Keys.Host.Lines, RequestAccess: access.Mode);
        var recorded = (RecordedLogin)outcome;

        var signed = new OneCertificate[recorded.Issued.Count];
        foreach (var (n, one) in recorded.Issued.Index())
            signed[n] = new OneCertificate(
                Certificate.ToLine(await recorded.Keys.Signing.Sign(one.ToBeSigned), one.Recorded.KeyId),
                one.Recorded.Show(recorded.Keys.Fingerprints[0]));
        // One that only passes jump hosts comes last, and is never the one that was asked for.
        var main = recorded.Granted.Grants is [{ IsJump: false }, ..] ? 1 : 0;
        return new LoggedIn(
            ca.Keys.Host.Lines, signed.Take(main).FirstOrDefault()?.Certificate, signed.Take(main).FirstOrDefault()?.Info,
            PerHost: recorded.Granted.LeftOut > 0)
        {
            Others = signed.Length > main ? signed[main..] : null,
            Missing = recorded.Granted.Missing.IsEmpty ? null : [.. recorded.Granted.Missing.Select(Problems.From)],
            Session = recorded.Session.Id.ToString(),
            SessionEnds = recorded.Session.Ends,
            User = recorded.User,
        };
    }

    /// <summary>What a transaction made of a call.</summary>
    private abstract record Recorded;

    /// <summary>The user's roles make a login request access, so nothing is on record.</summary>
    /// <param name="Mode">One of <see cref="RequestAccessModes"/>.</param>
    private sealed record MustRequestAccess(string Mode) : Recorded;

    /// <summary>A login as recorded.</summary>
    private sealed record RecordedLogin(
        string User, LoginSession Session, LoginGrant Granted, CaKeys Keys,
        IReadOnlyList<(RecordedCertificate Recorded, ToBeSigned ToBeSigned)> Issued)
        : Recorded;

    /// <summary>
    /// Records a login. Returns null if the login was assumed to be counted and is not, because its node already has a certificate in the
    /// session.
    /// </summary>
    private static Recorded? Record(
        Authority ca, Transaction transaction, Caller by, Login ask, PublicKey key, TimeSpan? wish, bool isCounted, DateTimeOffset now)
    {
        var user = transaction.ActingUser(by, ask.User);
        if (!ask.Regular && ask.Requests is null or [] && RequestAccessOf(user, transaction.Policy().Roles, now) is { } mode)
            return new MustRequestAccess(mode);
        if (ask.IdempotencyKey is { } call && transaction.Ask(CallTable.CallWith(by.Identity.Uid, call)) is [var before])
            return Again(ca, transaction, before, by, user, ask, key, wish, now);
        var begun = Begun(transaction, user, ask, now);
        if (begun is null && ask is { Session: not null, Node: not null })
            throw new ProblemException(new Problem(ProblemCode.Expired, "the login session has ended", Next: [new NextStep.LogIn()]));
        if (isCounted && begun is not { IsFresh: true })
            return null;
        // Another certificate for the same node begins a session of its own.
        var within = begun is { IsFresh: true } ? begun.Session : null;
        if (!Decide(transaction, by, user, ask, key, wish, within, now, ca.Limits).Holds(out var granted, out var refusal))
            throw Problems.Refused(refusal);

        var keys = ca.Keys.User;
        var serials = granted.Grants.Select(_ => transaction.NextSerial()).ToList();
        var session = within ?? new LoginSession(serials is [var first, ..] ? first : transaction.NextSerial(), granted.Ends);
        if (within is null)
            transaction.BeginSession(session, user, now);
        var issued = granted.Grants.Zip(serials, (grant, serial) =>
        {
            // If the change runs again, it draws another nonce: the value returned is the one that the last run recorded.
            var toBeSigned = ToBeSigned.From(
                grant, serial, RandomNumberGenerator.GetBytes(UserCertificate.NonceLength), key, keys.Signing.PublicKey);
            var recorded = RecordedCertificate.From(grant, by.Identity, serial, now, keys.SigningId, session.Id, ask.Node);
            transaction.InsertCertificate(recorded, toBeSigned.Bytes);
            transaction.Audit(by.Did(AuditEvents.CertificateIssued, now) with
            {
                User = user.Name,
                Serial = recorded.Serial.ToString(),
                Granted = Shown.Names(recorded.Roles),
                Requests = [.. recorded.Requests],
                Principals = [.. recorded.Principals],
                ValidBefore = recorded.ValidBefore,
                LimitedBy = recorded.LimitedBy,
                Digest = toBeSigned.Digest,
            });
            return (recorded, toBeSigned);
        }).ToList();
        if (ask.IdempotencyKey is not null)
            transaction.InsertCall(
                new RecordedCall(by.Identity.Uid, ask.IdempotencyKey, RecordedCall.DigestOf(ask))
                {
                    Serials = [session.Id, .. serials],
                },
                now);
        return new RecordedLogin(user.Name, session, granted, keys, issued);
    }

    /// <summary>
    /// Returns what the same call recorded before, because its answer may have been lost. Nothing is signed but what the policy grants: it
    /// decides again, as of the time of issue, and the bytes on record must be those that it decides on.
    /// </summary>
    private static RecordedLogin Again(
        Authority ca, Transaction transaction, RecordedCall before, Caller by, User user, Login ask, PublicKey key, TimeSpan? wish,
        DateTimeOffset now)
    {
        if (before.Serials.IsEmpty || !before.Digest.AsSpan().SequenceEqual(RecordedCall.DigestOf(ask)))
            throw new ProblemException(new Problem(
                ProblemCode.Conflict, "another call had this idempotency_key", "use a new random one for each call"));
        var keys = ca.Keys.User;
        var found = before.Serials[1..].Select(transaction.FindSigned).ToList();
        if (transaction.FindSession(before.Serials[0], user, now) is not { } session
            || found.Exists(one => one?.Recorded is not { Revoked: null } live || live.ValidBefore <= now))
            throw Over("has ended, or was taken back");
        var issued = found.ConvertAll(one => one!.Value);
        if (!Decide(
            transaction, by, user, ask, key, wish, session, issued is [var first, ..] ? first.Recorded.Issued : now, ca.Limits)
            .Holds(out var granted, out var refusal))
            throw Problems.Refused(refusal);
        var again = granted.Grants.Zip(issued, (grant, one) => (one.Recorded, ToBeSigned: ToBeSigned.From(
            grant, one.Recorded.Serial, CertificateContent.NonceOf(one.ToBeSigned), key, keys.Signing.PublicKey))).ToList();
        return granted.Grants.Length == issued.Count
            && again.Zip(issued).All(pair => pair.First.ToBeSigned.Bytes.SequenceEqual(pair.Second.ToBeSigned))
            ? new RecordedLogin(user.Name, session, granted, keys, again)
            : throw Over("would be issued in another way now");

        static ProblemException Over(string why) => new(new Problem(
            ProblemCode.Conflict, $"what this login was issued {why}", Next: [new NextStep.LogIn()]));
    }

    /// <summary>What a login asks. Of a session, only its number is known before; it usually has no certificate for the node yet.</summary>
    private static Question[] Ahead(Caller by, Login ask, DateTimeOffset now) =>
        [
            UserTable.UsersOf(by.Identity),
            CertificateTable.LiveSessions(
                by.Identity, now, ask.Node is not null && ulong.TryParse(ask.Session, out var session) ? session : null),
            PolicyGenerations.Present,
            Counters.IssuedLast,
            .. ask.IdempotencyKey is { } key ? (Question[])[CallTable.CallWith(by.Identity.Uid, key)] : [],
            .. (ask.Requests ?? []).Select(RequestTable.WholeId).OfType<Guid>()
                .SelectMany(id => (Question[])[RequestTable.WithId(id), ReviewTable.ReviewsOf(id)]),
        ];

    /// <summary>Asks the policy. What it grants on one node depends on no other node; only the words of a refusal do.</summary>
    private static Outcome<LoginGrant> Decide(
        Snapshot snapshot, Caller by, User user, Login ask, PublicKey key, TimeSpan? wish, LoginSession? within, DateTimeOffset now,
        SiteLimits limits)
    {
        var policy = snapshot.Policy();
        ImmutableArray<AccessRequest> requests = [
            .. (ask.Requests ?? []).Select(id => snapshot.FindRequest(id, user.Id)).DistinctBy(request => request.Id)];
        var groups = policy.Groups.IsEmpty || ask.Node is not null ? [] : GroupsOf(policy, user, requests);
        var question = new IssuanceQuestion(
            now, user, requests, policy.Roles, [], wish, snapshot.CountLiveSessions(by.Identity, user, now, within?.Id), limits)
        {
            Locks = policy.LocksAt(now),
            IsSecurityKey = key.Type.StartsWith("sk-", StringComparison.Ordinal),
            Node = ask.Node,
            SessionEnds = within?.Ends,
            Groups = groups,
            Unconfirmed = snapshot.Unconfirmed(groups.Select(one => one.Group)),
        };
        return ask.Node is { } node
            && IssuancePolicy.Decide(question with { Nodes = policy.NodeAndWay(node) }).Holds(out var granted, out _)
            ? granted
            : IssuancePolicy.Decide(question with { Nodes = policy.EveryNode });
    }

    /// <summary>Returns the groups that the roles of a login can name: only these need their members.</summary>
    private static ImmutableArray<GroupMembers> GroupsOf(Policy policy, User user, ImmutableArray<AccessRequest> requests)
    {
        var selectors = user.Roles.Concat(requests.SelectMany(request => request.GrantedRoles).Select(role => role.Name))
            .Select(name => policy.Roles.GetValueOrDefault(name)?.Allow.NodeLabels).OfType<LabelSelector>().ToList();
        return [.. policy.Groups.Where(one => selectors.Exists(one.Group.Selector.IsLike))];
    }

    /// <summary>
    /// Finds the session that a certificate for one node belongs to, and whether the node still has no certificate in it; null if the user
    /// has no such session.
    /// </summary>
    private static BegunSession? Begun(Snapshot snapshot, User user, Login ask, DateTimeOffset now) =>
        ask is { Session: { } id, Node: { } node } && ulong.TryParse(id, out var number) && number <= long.MaxValue
            && snapshot.FindSession(number, user, now) is { } session
            ? new BegunSession(session, !snapshot.HasCertificateFor(session.Id, node))
            : null;

    private sealed record BegunSession(LoginSession Session, bool IsFresh);

    /// <summary>Counts one more login of the caller.</summary>
    /// <exception cref="ProblemException">The caller logged in too often within a minute.</exception>
    private static void Count(Authority ca, Caller by)
    {
        // Root could lift the limit, so the limit would not stop root.
        if (!by.IsRoot && !ca.Logins.TryTake(by.Identity.Uid.Number, ca.Limits.LoginsPerMinute, out var wait))
            throw Problems.Refused(new Refusal(
                $"{by.Name} has tried to log in {ca.Limits.LoginsPerMinute} times within a minute; that is the limit",
                $"try again in {Durations.Show(wait)}",
                RefusalKind.Limited));
    }

    /// <summary>Returns how the user's roles make a login request access by itself; null if they do not.</summary>
    private static string? RequestAccessOf(User user, IReadOnlyDictionary<string, Role> roles, DateTimeOffset now) =>
        RequestRights.AccessOf(user, roles, now) switch
        {
            RequestAccess.Always => RequestAccessModes.Always,
            RequestAccess.Reason => RequestAccessModes.Reason,
            _ => null,
        };
}
