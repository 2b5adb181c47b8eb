using System.Collections.Immutable;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Rotations;

/// <summary>How far the change of a CA key has got. Each step leaves a state in which nobody who should enter is locked out.</summary>
public enum RotationStep
{
    /// <summary>Hosts or clients learn to trust the next key; the old one signs.</summary>
    Prepared,

    /// <summary>The next key signs; the old one is trusted as long as its certificates are in use.</summary>
    Switched,

    /// <summary>The old key is no longer trusted, and its file is about to be put aside.</summary>
    Retiring,
}

/// <summary>A change of the CA key of one purpose that is under way.</summary>
/// <param name="Step">How far it is.</param>
/// <param name="Since">When this step began.</param>
/// <param name="OldId">The ID of the key that signed when the rotation began.</param>
/// <param name="NextId">The ID of the key that takes over.</param>
public sealed record Rotation(RotationStep Step, DateTimeOffset Since, long OldId, long NextId)
{
    /// <summary>The hosts that were left behind by name. They stay named until the rotation ends.</summary>
    public ImmutableArray<string> Abandoned { get; init; } = [];

    /// <summary>From when on the daemon takes each further step by itself, as soon as it can; null for by command only.</summary>
    public DateTimeOffset? Scheduled { get; init; }
}

/// <summary>What the next step depends on.</summary>
/// <param name="Unconfirmed">The hosts that are not known to trust what they must before the next step.</param>
/// <param name="LastEnd">
/// When the last certificate ends that the next step would leave without a key or without knowledge of it; null if there is none.
/// </param>
public sealed record RotationFacts(ImmutableArray<string> Unconfirmed, DateTimeOffset? LastEnd);

/// <summary>Decides when a rotation may go on.</summary>
public static class RotationPolicy
{
    /// <summary>Returns the obstacle to letting the next key sign; null if there is none.</summary>
    /// <param name="rotation">The rotation.</param>
    /// <param name="facts">What is known of hosts and certificates.</param>
    /// <param name="abandon">Hosts that the step may leave behind.</param>
    public static Refusal? Switch(Rotation rotation, RotationFacts facts, IReadOnlyCollection<string> abandon) =>
        rotation.Step != RotationStep.Prepared
            ? new Refusal("the next key signs already", Kind: RefusalKind.Conflict)
            : Obstacle(facts, [.. rotation.Abandoned, .. abandon], "clients of certificates that were issued before may not know the next key");

    /// <summary>Returns the obstacle to ending the trust in the old key; null if there is none.</summary>
    /// <param name="rotation">The rotation.</param>
    /// <param name="facts">What is known of hosts and certificates.</param>
    /// <param name="abandon">Hosts that the step may leave behind.</param>
    public static Refusal? Retire(Rotation rotation, RotationFacts facts, IReadOnlyCollection<string> abandon) =>
        rotation.Step switch
        {
            RotationStep.Prepared => new Refusal("the next key does not sign yet", Kind: RefusalKind.Conflict),
            RotationStep.Retiring => new Refusal("the old key is being retired already", Kind: RefusalKind.Conflict),
            _ => Obstacle(facts, [.. rotation.Abandoned, .. abandon], "certificates of the old key are in use"),
        };

    /// <summary>Returns the obstacle to going one step back; null if there is none.</summary>
    public static Refusal? Back(Rotation rotation) => rotation.Step == RotationStep.Retiring
        ? new Refusal("the old key is trusted no longer, so there is no way back", Kind: RefusalKind.Conflict)
        : null;

    private static Refusal? Obstacle(RotationFacts facts, HashSet<string> abandoned, string inUse)
    {
        var missing = facts.Unconfirmed.Where(node => !abandoned.Contains(node)).ToList();
        if (missing.Count > 0)
            return new Refusal(
                $"{(missing.Count == 1 ? "1 host has" : $"{missing.Count} hosts have")} not confirmed: {Some(missing)}",
                Kind: RefusalKind.Conflict);
        return facts.LastEnd is { } end
            ? new Refusal($"{inUse}, until {Instants.Show(end)}", Kind: RefusalKind.Conflict)
            : null;
    }

    private static string Some(List<string> names) =>
        string.Join(", ", names.Take(8)) + (names.Count > 8 ? $" and {names.Count - 8} more" : "");
}
