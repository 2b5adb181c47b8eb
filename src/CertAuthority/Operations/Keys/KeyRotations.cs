using System.Collections.Immutable;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Rotations;
using CertAuthority.Keys;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;
using CertAuthority.Signing;
using CertAuthority.Store;

namespace CertAuthority.Operations;

/// <summary>
/// Changes CA keys while everybody goes on working. Each step is one row, written in one transaction together with its entry in the audit;
/// everything else (files, lists, hosts) follows from the row, so a crash in between is completed by the next start.
/// </summary>
internal static class KeyRotations
{
    // The limit for one reply.
    private const int MostHosts = 200;

    // A transaction revokes them in about 20 ms, in which nobody can log in.
    private const int Together = 500;

    public static Task<RotationList> List(Authority ca, Administrator by, ListRotations ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot => new RotationList(All(snapshot, now))));
    }

    /// <summary>Shows the rotations that are under way.</summary>
    public static KeyRotation[] All(Snapshot snapshot, DateTimeOffset now) =>
        [.. Enum.GetValues<CaPurpose>().Select(key => Show(snapshot, key, now)).OfType<KeyRotation>()];

    /// <summary>Returns the hosts that are not known to have given up a user CA key that is on the revocation list.</summary>
    public static string[] TrustingRevoked(Snapshot snapshot)
    {
        var revoked = snapshot.CaKeys(CaPurpose.User).Where(key => key.Revoked is not null).Select(key => key.Id).ToHashSet();
        if (revoked.Count == 0)
            return [];
        var trusts = snapshot.Trusts(CaPurpose.User);
        return
        [
            .. snapshot.Policy().Nodes.Values.Where(node => trusts.TryGetValue(node.Id, out var known) && known.Overlaps(revoked))
                .Select(node => node.Name).Order(StringComparer.Ordinal),
        ];
    }

    public static async Task<KeyRotated> Rotate(Authority ca, Administrator by, RotateKey ask)
    {
        if (!Enum.TryParse<CaPurpose>(ask.Key, ignoreCase: true, out var key) || key.Name() != ask.Key)
            throw Problems.InvalidField("key", $"takes user, host or sync, not \"{ask.Key}\"");
        if (ask.Nodes is [_, ..] && ask.Act is not (RotationActs.Switch or RotationActs.Retire or RotationActs.Confirm))
            throw Problems.InvalidField("nodes", "goes with switch, retire and confirm");
        ExpectNodes(ca, ask.Nodes ?? []);
        // A key that was moved meanwhile cannot be exchanged by moving files.
        if (ask.Act is RotationActs.Switch or RotationActs.Retire)
            ExpectFile(ca, key);
        return await InTurn(ca, async () =>
        {
            var revoked = ask.Act switch
            {
                RotationActs.Prepare => await Prepare(ca, by.Caller, key),
                RotationActs.Switch => await Switch(ca, by.Caller, key, ask.Nodes ?? []),
                RotationActs.Retire => await Retire(ca, by.Caller, key, ask.Nodes ?? []),
                RotationActs.Back => await Back(ca, by.Caller, key),
                RotationActs.Compromised => await Replace(ca, by.Caller, key),
                RotationActs.Confirm => await Confirm(ca, by.Caller, key, ask.Nodes ?? []),
                RotationActs.Schedule => await Schedule(ca, by.Caller, key, ask.At),
                _ => throw Problems.InvalidField(
                    "act", $"takes prepare, switch, retire, back, compromised, confirm or schedule, not \"{ask.Act}\""),
            };
            var behind = await HostsBehind(ca);
            // They change nothing, not even their list, before somebody tells them to take the new key.
            if (ask.Act == RotationActs.Compromised && key == CaPurpose.User)
                behind = [.. behind, .. Fetching(ca).Take(MostHosts)];
            return new KeyRotated(
                ask.Key, Fingerprint.Compute(Of(ca.Keys, key).Signing.PublicKey), revoked, behind,
                ca.Database.Read(snapshot => Show(snapshot, key, ca.Now())));
        });
    }

    /// <summary>Records which keys an enrollment put on a host.</summary>
    public static async Task<TrustConfirmed> ConfirmTrust(Authority ca, Administrator by, ConfirmTrust ask)
    {
        var now = ca.Now();
        var (user, sync) = (Keys(ask.UserCas), Keys(ask.SyncCas ?? []));
        await ca.Database.Commit(transaction =>
        {
            var node = Nodes.Find(transaction, ask.Name);
            Record(CaPurpose.User, user);
            if (ask.SyncCas is not null)
                Record(CaPurpose.Sync, sync);
            return true;

            void Record(CaPurpose purpose, List<PublicKey> keys) => transaction.SetTrust(
                node.Id, purpose, transaction.CaKeys(purpose).Where(known => keys.Contains(known.Key)).Select(known => known.Id), now);
        });
        return new TrustConfirmed(ask.Name);

        static List<PublicKey> Keys(string[] lines)
        {
            try
            {
                return [.. lines.Select(PublicKey.ParseOtherAuthority)];
            }
            catch (SshFormatException malformed)
            {
                throw Problems.Invalid($"a key of the host cannot be read: {malformed.Message}");
            }
        }
    }

    /// <summary>Takes the next step of each rotation that is scheduled and can go on, and completes those that were cut short.</summary>
    public static Task GoOn(Authority ca) => InTurn(ca, async () =>
    {
        foreach (var key in Enum.GetValues<CaPurpose>())
        {
            var now = ca.Now();
            var (rotation, facts) = ca.Database.Read(
                snapshot => snapshot.Rotation(key) is { } one ? (one, Facts(snapshot, key, one, now)) : default);
            if (rotation is { Step: RotationStep.Retiring })
                await Finish(ca, key);
            else if (rotation is { Scheduled: { } from } && from <= now)
                if (RotationPolicy.Switch(rotation, facts, []) is null)
                    await Switch(ca, Caller.Daemon, key, []);
                else if (RotationPolicy.Retire(rotation, facts, []) is null)
                    await Retire(ca, Caller.Daemon, key, []);
        }
        return true;
    });

    /// <summary>
    /// Has the host CA key name the keys that are to sign after it, if it has not yet: those that an administrator had made known, and one
    /// whose rotation an earlier version began.
    /// </summary>
    /// <returns>The fingerprints of keys that it cannot name, because whoever has it signs nothing but certificates.</returns>
    public static Task<string[]> Vouch(Authority ca) => InTurn(ca, async () =>
    {
        var (keys, refused) = (ca.Keys.Host, new List<string>());
        foreach (var (next, id) in keys.Others.Zip(keys.Ids.Skip(1)))
        {
            // A key with a lower number signed before this one.
            if (id < keys.SigningId || ca.Database.Read(snapshot => snapshot.HasCaStatement(keys.SigningId, id)))
                continue;
            if (await Statement(ca, next) is { } statement)
                await ca.Database.Commit(transaction =>
                {
                    transaction.PutCaStatement(keys.SigningId, id, statement);
                    transaction.Audit(Caller.Daemon.Did(AuditEvents.CaVouched, ca.Now()) with
                    {
                        Resource = Resource(transaction, CaPurpose.Host, id),
                    });
                    return true;
                });
            else
                refused.Add(Fingerprint.Compute(next));
        }
        return refused.ToArray();
    });

    private static ValueTask<string?> Statement(Authority ca, SignatureKey next) =>
        ca.Keys.Host.Signing.Vouch(ca.Database.Read(snapshot => snapshot.Installation()), next);

    private static async Task<int> Prepare(Authority ca, Caller by, CaPurpose key)
    {
        ExpectFile(ca, key);
        if (ca.Database.Read(snapshot => snapshot.Rotation(key)) is { } present)
            throw Conflict($"a rotation of the {key.Title()} key is under way: it is {Word(present.Step)}");
        var next = Next(ca, key);
        var statement = key == CaPurpose.Host ? await Statement(ca, next.PublicKey) : null;
        await Step(ca, by, key, AuditEvents.CaPrepared, (transaction, now) =>
        {
            var rotation = new Rotation(
                RotationStep.Prepared, now, Of(ca.Keys, key).SigningId, transaction.CaKey(key, next.PublicKey, now).Id);
            if (statement is not null)
                transaction.PutCaStatement(rotation.OldId, rotation.NextId, statement);
            return rotation;
        });
        return 0;
    }

    private static async Task<int> Switch(Authority ca, Caller by, CaPurpose key, string[] abandon)
    {
        await Step(ca, by, key, AuditEvents.CaSwitched, (transaction, now) =>
        {
            var rotation = Present(transaction, key);
            if (RotationPolicy.Switch(rotation, Facts(transaction, key, rotation, now), abandon) is { } refusal)
                throw Problems.Refused(refusal);
            return rotation with { Step = RotationStep.Switched, Since = now, Abandoned = With(rotation, abandon) };
        });
        if (key == CaPurpose.Host)
            await RenewHosts(ca);
        return 0;
    }

    private static async Task<int> Retire(Authority ca, Caller by, CaPurpose key, string[] abandon)
    {
        await Step(ca, by, key, AuditEvents.CaRetired, (transaction, now) =>
        {
            var rotation = Present(transaction, key);
            if (RotationPolicy.Retire(rotation, Facts(transaction, key, rotation, now), abandon) is { } refusal)
                throw Problems.Refused(refusal);
            return rotation with { Step = RotationStep.Retiring, Since = now, Abandoned = With(rotation, abandon) };
        });
        return await Finish(ca, key);
    }

    private static async Task<int> Back(Authority ca, Caller by, CaPurpose key)
    {
        await Step(ca, by, key, AuditEvents.CaRolledBack, (transaction, now) =>
        {
            var rotation = Present(transaction, key);
            if (RotationPolicy.Back(rotation) is { } refusal)
                throw Problems.Refused(refusal);
            if (rotation.Step == RotationStep.Switched)
                return rotation with { Step = RotationStep.Prepared, Since = now, Scheduled = null };
            // What the next key signed before it was taken back must stay revocable, and so trusted.
            if (LastEnd(transaction, key, rotation.NextId, now) is { } end)
                throw Problems.Refused(
                    new Access.Values.Refusal(
                        $"certificates of the next key are in use, until {Access.Values.Instants.Show(end)}", "let it sign again, or revoke them",
                        Access.Values.RefusalKind.Conflict));
            if (key == CaPurpose.Host && ShowingNext(transaction, rotation) is { Count: > 0 } showing)
                throw Conflict($"{(showing.Count == 1 ? "1 host shows" : $"{showing.Count} hosts show")} a certificate of the next key: {string.Join(", ", showing.Take(8))}");
            transaction.RemoveCaStatements(rotation.NextId);
            return null;
        });
        if (key == CaPurpose.Host)
            await RenewHosts(ca);
        if (ca.Database.Read(snapshot => snapshot.Rotation(key)) is null)
            ca.KeyFiles[key].DropNext();
        return 0;
    }

    /// <summary>
    /// Replaces a key that somebody else may have: nothing that it ever signed is worth anything once hosts have the list.
    /// </summary>
    private static async Task<int> Replace(Authority ca, Caller by, CaPurpose key)
    {
        ExpectFile(ca, key);
        if (key == CaPurpose.Sync)
            throw Problems.Invalid(
                "the keys that let the daemon into hosts are root's there, out of its reach",
                "rotate the sync key, and enroll each host again after each step");
        var next = Next(ca, key);
        await Step(ca, by, key, AuditEvents.CaRevoked, (transaction, now) =>
        {
            var present = transaction.Rotation(key);
            if (present is { Step: RotationStep.Retiring })
                throw Conflict("the old key is being retired already");
            var old = present?.OldId ?? Of(ca.Keys, key).SigningId;
            if (key == CaPurpose.User)
                transaction.RevokeCaKey(transaction.CaKeys(key).Find(one => one.Id == old)!, now);
            // The thief can say the same of any key.
            transaction.RemoveCaStatements(old);
            return new Rotation(RotationStep.Retiring, now, old, transaction.CaKey(key, next.PublicKey, now).Id);
        }, "it was compromised");
        if (key == CaPurpose.Host)
            await RenewHosts(ca);
        return await Finish(ca, key);
    }

    private static async Task<int> Confirm(Authority ca, Caller by, CaPurpose key, string[] nodes)
    {
        if (nodes is [])
            throw Problems.InvalidField("nodes", "takes the hosts that trust the keys");
        var now = ca.Now();
        await ca.Database.Commit(transaction =>
        {
            // After the end of a rotation, there is only something to confirm where a revoked key may still be trusted.
            var rotation = key == CaPurpose.User && TrustingRevoked(transaction).Intersect(nodes).Any()
                ? transaction.Rotation(key)
                : Present(transaction, key);
            var ids = key == CaPurpose.Host ? [rotation!.NextId] : Of(ca.Keys, key).Ids;
            foreach (var name in nodes)
                transaction.SetTrust(Nodes.Find(transaction, name).Id, key, ids, now);
            transaction.Audit(by.Did(AuditEvents.CaConfirmed, now) with
            {
                Resource = Resource(transaction, key, rotation?.NextId ?? Of(ca.Keys, key).SigningId),
                Reason = string.Join(", ", nodes),
            });
            return true;
        });
        return 0;
    }

    private static async Task<int> Schedule(Authority ca, Caller by, CaPurpose key, string? at)
    {
        DateTimeOffset? from = at is null ? null : Problems.Instant("at", at);
        await Step(
            ca, by, key, AuditEvents.CaScheduled, (transaction, _) => Present(transaction, key) with { Scheduled = from },
            from is { } set ? Access.Values.Instants.Show(set) : "by command only");
        return 0;
    }

    /// <summary>Writes a step, and lets the keys in force follow it. The list and the hosts get them at once.</summary>
    /// <param name="ca">The authority.</param>
    /// <param name="by">Who takes the step.</param>
    /// <param name="key">The key.</param>
    /// <param name="what">The event.</param>
    /// <param name="decide">Returns the rotation after the step; null if it ends.</param>
    /// <param name="reason">What the entry says besides; null for the hosts that are left behind.</param>
    private static async Task Step(
        Authority ca, Caller by, CaPurpose key, AuditEvent what, Func<Transaction, DateTimeOffset, Rotation?> decide,
        string? reason = null)
    {
        var (before, now) = (ca.KeysInForce.Now, ca.Now());
        try
        {
            await ca.Database.Commit(transaction =>
            {
                var former = transaction.Rotation(key);
                var rotation = decide(transaction, now);
                if (rotation is null)
                    transaction.RemoveRotation(key);
                else
                    transaction.SetRotation(key, rotation);
                transaction.Audit(by.Did(what, now) with
                {
                    Resource = Resource(
                        transaction, key, what == AuditEvents.CaRevoked ? rotation!.OldId : (rotation ?? former)!.NextId),
                    Reason = reason ?? (rotation is { Abandoned: [_, ..] left } ? $"left behind: {string.Join(", ", left)}" : null),
                });
                var keys = RotatingKeys.Under(transaction, key, ca.KeyFiles[key], rotation)
                    ?? throw Conflict($"no file has the key that would sign; restore {key.FileName()}_next");
                // The last thing here: transactions that follow sign by these keys, and none overlaps this one.
                ca.KeysInForce.Now = With(before, key, RotatingKeys.Recorded(transaction, keys, now));
                return true;
            }, takesAway: what == AuditEvents.CaRevoked);
        }
        catch
        {
            ca.KeysInForce.Now = before;
            throw;
        }
        await ca.Krl.Publish();
    }

    /// <summary>Ends a rotation whose old key nobody trusts any more. It can be repeated after a crash.</summary>
    /// <returns>How many certificates were revoked.</returns>
    private static async Task<int> Finish(Authority ca, CaPurpose key)
    {
        var (revoked, now) = (0, ca.Now());
        var rotation = ca.Database.Read(snapshot => snapshot.Rotation(key));
        if (rotation is not { Step: RotationStep.Retiring })
            return 0;
        if (key == CaPurpose.User)
            foreach (var some in ca.Database.Read(snapshot => snapshot.LiveCertificates(now))
                .Where(one => one.CaKeyId == rotation.OldId).Select(one => one.Serial).Chunk(Together))
                revoked += (await ca.Database.Commit(
                    transaction => Revocations.Revoke(
                        transaction, Caller.Daemon,
                        [.. some.Select(transaction.FindCertificate).OfType<RecordedCertificate>().Where(one => one.Revoked is null)],
                        "the CA key that signed it was compromised", now), takesAway: true)).Length;
        ca.KeyFiles[key].Promote();
        await ca.Database.Commit(transaction =>
        {
            transaction.RemoveRotation(key);
            return true;
        });
        if (revoked > 0)
            await ca.Krl.Publish();
        return revoked;
    }

    private static RotationFacts Facts(Snapshot snapshot, CaPurpose key, Rotation rotation, DateTimeOffset now) => new(
        [.. Unconfirmed(snapshot, key, rotation).Select(node => node.Name)],
        (key, rotation.Step) switch
        {
            // Whoever logs in learns the keys that their client is to believe.
            (CaPurpose.Host, RotationStep.Prepared) => snapshot.LastEndOfIssued(rotation.Since, now),
            (CaPurpose.User, RotationStep.Switched) => snapshot.LastEndOf(rotation.OldId, now),
            _ => null,
        });

    private static DateTimeOffset? LastEnd(Snapshot snapshot, CaPurpose key, long id, DateTimeOffset now) =>
        key == CaPurpose.User ? snapshot.LastEndOf(id, now) : null;

    /// <summary>Returns the hosts that are not known to trust what they must before the next step.</summary>
    private static IEnumerable<Node> Unconfirmed(Snapshot snapshot, CaPurpose key, Rotation rotation)
    {
        var isNeeded = (key, rotation.Step) switch
        {
            (CaPurpose.User or CaPurpose.Sync, RotationStep.Prepared) => true,
            (CaPurpose.Host, RotationStep.Switched) => true,
            _ => false,
        };
        if (!isNeeded)
            return [];
        var (trusts, certificates) = (snapshot.Trusts(key), key == CaPurpose.Host ? snapshot.HostCertificates() : null);
        return snapshot.Policy().Nodes.Values.Where(
            node => (key != CaPurpose.Sync || node.Push)
                && (certificates is null || certificates.ContainsKey(node.Id))
                && !(trusts.TryGetValue(node.Id, out var known) && known.Contains(rotation.NextId)));
    }

    private static List<string> ShowingNext(Snapshot snapshot, Rotation rotation)
    {
        var trusts = snapshot.Trusts(CaPurpose.Host);
        return [
            .. snapshot.Policy().Nodes.Values.Where(node => trusts.TryGetValue(node.Id, out var shown) && shown.Contains(rotation.NextId))
                .Select(node => node.Name)];
    }

    /// <summary>Returns the key that takes over; one that was revoked is replaced by another.</summary>
    private static FileCaKey Next(Authority ca, CaPurpose key)
    {
        var files = ca.KeyFiles[key];
        if (files.Next is { } left && ca.Database.Read(
            snapshot => snapshot.CaKeys(key).Exists(one => one.Key == left.PublicKey && one.Revoked is not null)))
            files.DropNext();
        return files.MakeNext();
    }

    private static KeyRotation? Show(Snapshot snapshot, CaPurpose key, DateTimeOffset now)
    {
        if (snapshot.Rotation(key) is not { } rotation)
            return null;
        var (syncs, unconfirmed) = (snapshot.NodeSyncs(), Unconfirmed(snapshot, key, rotation).ToList());
        var facts = Facts(snapshot, key, rotation, now);
        var obstacle = rotation.Step == RotationStep.Prepared
            ? RotationPolicy.Switch(rotation, facts, [])
            : RotationPolicy.Retire(rotation, facts, []);
        return new KeyRotation(
            key.Name(), Word(rotation.Step), rotation.Since, RotatingKeys.Name(snapshot, key, rotation.OldId),
            RotatingKeys.Name(snapshot, key, rotation.NextId),
            [
                .. unconfirmed.Take(MostHosts)
                    .Select(node => new UnconfirmedHost(node.Name, Why(key, node, syncs.GetValueOrDefault(node.Id))))],
            unconfirmed.Count, [.. rotation.Abandoned], obstacle?.Message, rotation.Scheduled);
    }

    private static string Why(CaPurpose key, Node node, NodeSync? sync) => (key, node.Push, sync?.Failure) switch
    {
        (CaPurpose.Sync, _, _) => "its sync_ca.pub is root's there, and was not replaced since: enroll it again",
        (_, true, { } failure) => failure,
        (_, true, _) => "it was not written to yet",
        _ => "it fetches its files, and has not reported these keys, and nobody has confirmed them",
    };

    /// <summary>Signs the certificates of hosts by the key that signs now, and has each host get its own with a new list.</summary>
    private static async Task RenewHosts(Authority ca)
    {
        await HostCertificates.Renew(ca);
        await ca.Krl.Publish();
    }

    private static async Task<HostBehind[]> HostsBehind(Authority ca) =>
        (await Nodes.Behind(ca, new Administrator(Caller.Daemon), new ListHostsBehind())).Hosts;

    private static IEnumerable<HostBehind> Fetching(Authority ca) =>
        ca.Database.Read(snapshot => snapshot.Policy().Nodes).Values.Where(node => !node.Push)
            .Select(node => new HostBehind(node.Name, "it fetches its files, and accepts a new key only by hand"));

    private static void ExpectFile(Authority ca, CaPurpose key)
    {
        if (!ca.KeyFiles[key].CanChange)
            throw Problems.Invalid(
                $"the {key.Title()} key is not in a plain file, so no next one can be made here",
                "make one where it is, and have hosts trust it before it signs: docs/rotation.md");
    }

    private static void ExpectNodes(Authority ca, string[] names) => ca.Database.Read(snapshot =>
    {
        foreach (var name in names)
            Nodes.Find(snapshot, name);
        return true;
    });

    private static Rotation Present(Snapshot snapshot, CaPurpose key) =>
        snapshot.Rotation(key) ?? throw Conflict($"no rotation of the {key.Title()} key is under way");

    private static ImmutableArray<string> With(Rotation rotation, string[] abandon) =>
        [.. rotation.Abandoned.Concat(abandon).Distinct(StringComparer.Ordinal)];

    private static CaKeys Of(KeyRing ring, CaPurpose key) => ring.All[(int)key];

    private static KeyRing With(KeyRing ring, CaPurpose key, CaKeys keys) => key switch
    {
        CaPurpose.User => ring with { User = keys },
        CaPurpose.Host => ring with { Host = keys },
        _ => ring with { Sync = keys },
    };

    private static string Resource(Snapshot snapshot, CaPurpose key, long id) =>
        $"{key.FileName()}/{RotatingKeys.Name(snapshot, key, id)}";

    private static string Word(RotationStep step) => step.ToString().ToLowerInvariant();

    private static ProblemException Conflict(string detail) => new(new Problem(ProblemCode.Conflict, detail));

    private static async Task<T> InTurn<T>(Authority ca, Func<Task<T>> work)
    {
        await ca.KeyTurn.WaitAsync();
        try
        {
            return await work();
        }
        finally
        {
            ca.KeyTurn.Release();
        }
    }
}
