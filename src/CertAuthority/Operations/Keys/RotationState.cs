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
/// Where the rotations of CA keys stand: which keys there are, which hosts trust them, and what is in the way of the next step. This only
/// reads.
/// </summary>
internal static class RotationState
{
    /// <summary>The most hosts in one reply.</summary>
    public const int MostHosts = 200;

    public static Task<RotationList> List(Authority ca, Administrator by, ListRotations ask)
    {
        var now = ca.Now();
        return Task.FromResult(ca.Database.Read(snapshot => new RotationList(
            All(ca, snapshot, now),
            [
                .. ((CaPurpose[])[CaPurpose.User, CaPurpose.Host]).SelectMany(key => Beside(ca, snapshot, key).Select(one =>
                    new CompromisedKey(key.Name(), Fingerprint.Compute(one.Key), State(ca.Keys.All[(int)key], one)))),
            ])));
    }

    /// <summary>Shows the rotations that are under way.</summary>
    public static KeyRotation[] All(Authority ca, Snapshot snapshot, DateTimeOffset now) =>
        [.. Enum.GetValues<CaPurpose>().Select(key => Show(ca, snapshot, key, now)).OfType<KeyRotation>()];

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

    /// <summary>
    /// Returns the keys that go with one that was compromised: all on record that may still sign, apart from those that an administrator
    /// has named as trusted, whose private halves are elsewhere.
    /// </summary>
    public static List<RecordedCaKey> Beside(Authority ca, Snapshot snapshot, CaPurpose key) =>
        snapshot.CaKeys(key).FindAll(
            one => one.Revoked is null
                && (one.Key == ca.Keys.All[(int)key].Signing.PublicKey || !ca.KeyFiles[key].Trusted.Any(other => other == one.Key)));

    private static string State(CaKeys keys, RecordedCaKey one) =>
        one.Key == keys.Signing.PublicKey ? "signs" : keys.Trusts(one.Key) ? "trusted" : "former";

    /// <summary>Returns what decides about the next step.</summary>
    public static RotationFacts Facts(Snapshot snapshot, CaPurpose key, Rotation rotation, DateTimeOffset now) => new(
        [.. Unconfirmed(snapshot, key, rotation).Select(node => node.Name)],
        (key, rotation.Step) switch
        {
            // Whoever logs in learns the keys that their client is to believe.
            (CaPurpose.Host, RotationStep.Prepared) => snapshot.LastEndOfIssued(rotation.Since, now),
            (CaPurpose.User, RotationStep.Switched) => snapshot.LastEndOf(rotation.OldId, now),
            _ => null,
        });

    /// <summary>Returns the hosts that are not known to trust what they must before the next step.</summary>
    public static IEnumerable<Node> Unconfirmed(Snapshot snapshot, CaPurpose key, Rotation rotation)
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

    /// <summary>Returns the hosts that show a certificate of the next host CA key.</summary>
    public static List<string> ShowingNext(Snapshot snapshot, Rotation rotation)
    {
        var trusts = snapshot.Trusts(CaPurpose.Host);
        return [
            .. snapshot.Policy().Nodes.Values.Where(node => trusts.TryGetValue(node.Id, out var shown) && shown.Contains(rotation.NextId))
                .Select(node => node.Name)];
    }

    /// <summary>Returns why the key that takes over cannot do it; null if it can.</summary>
    private static string? Fault(Authority ca, Snapshot snapshot, CaPurpose key, Rotation rotation)
    {
        var files = ca.KeyFiles[key];
        if (!files.CanChange)
            return $"the {key.Title()} key is not in a plain file any more, so no other can take its place here";
        var next = PublicKeyOf(snapshot, key, rotation.NextId);
        return files.Holder(next) is not { } holder
            ? $"{files.NextPath} does not have the next {key.Title()} key, {Fingerprint.Compute(next)}; put it back"
            : holder.Fault;
    }

    /// <summary>Returns the obstacle to the next step of a rotation; null if there is none.</summary>
    public static Access.Values.Refusal? Obstacle(
        Authority ca, Snapshot snapshot, CaPurpose key, Rotation rotation, DateTimeOffset now, string[] abandon)
    {
        if (Fault(ca, snapshot, key, rotation) is { } fault)
            return new Access.Values.Refusal(
                fault, "once this is put right, the rotation can go on; docs/rotation.md", Access.Values.RefusalKind.Conflict);
        var facts = Facts(snapshot, key, rotation, now);
        return rotation.Step == RotationStep.Prepared
            ? RotationPolicy.Switch(rotation, facts, abandon)
            : RotationPolicy.Retire(rotation, facts, abandon);
    }

    /// <summary>Shows a rotation; null if none of this key is under way.</summary>
    public static KeyRotation? Show(Authority ca, Snapshot snapshot, CaPurpose key, DateTimeOffset now)
    {
        if (snapshot.Rotation(key) is not { } rotation)
            return null;
        var (syncs, unconfirmed) = (snapshot.NodeSyncs(), Unconfirmed(snapshot, key, rotation).ToList());
        var obstacle = Obstacle(ca, snapshot, key, rotation, now, []);
        return new KeyRotation(
            key.Name(), Word(rotation.Step), rotation.Since, RotatingKeys.Name(snapshot, key, rotation.OldId),
            RotatingKeys.Name(snapshot, key, rotation.NextId),
            [
                .. unconfirmed.Take(MostHosts)
                    .Select(node => new UnconfirmedHost(node.Name, Why(key, node, syncs.GetValueOrDefault(node.Id))))],
            unconfirmed.Count, [.. rotation.Abandoned], obstacle?.Message, rotation.Scheduled)
        {
            // Once the next key signs, its own faults are those of a key that signs.
            Fault = rotation.Step == RotationStep.Prepared
                ? Fault(ca, snapshot, key, rotation)
                : ca.KeyFiles[key].Holder(PublicKeyOf(snapshot, key, rotation.OldId))?.Fault,
        };
    }

    /// <summary>Returns a key on record.</summary>
    public static SignatureKey PublicKeyOf(Snapshot snapshot, CaPurpose key, long id) =>
        SignatureKey.Parse(snapshot.CaKeys(key).Find(one => one.Id == id)!.Key.ToBlob());

    private static string Why(CaPurpose key, Node node, NodeSync? sync) => (key, node.Push, sync?.Failure) switch
    {
        (CaPurpose.Sync, _, _) => "its sync_ca.pub is root's there, and was not replaced since: enroll it again",
        (_, true, { } failure) => failure,
        (_, true, _) => "it was not written to yet",
        _ => "it fetches its files, and has not reported these keys, and nobody has confirmed them",
    };

    /// <summary>Returns the hosts to which nobody writes a new key.</summary>
    public static IEnumerable<HostBehind> Fetching(Authority ca) =>
        ca.Database.Read(snapshot => snapshot.Policy().Nodes).Values.Where(node => !node.Push)
            .Select(node => new HostBehind(node.Name, "it fetches its files, and accepts a new key only by hand"));

    /// <summary>Returns the word for a step, as the audit and the protocol have it.</summary>
    public static string Word(RotationStep step) => step.ToString().ToLowerInvariant();
}
