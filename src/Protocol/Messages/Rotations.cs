namespace CertAuthority.Protocol;

/// <summary>What an administrator does to the rotation of a CA key.</summary>
public static class RotationActs
{
    /// <summary>Makes the next key, and has it trusted beside the one that signs.</summary>
    public const string Prepare = "prepare";

    /// <summary>Lets the next key sign.</summary>
    public const string Switch = "switch";

    /// <summary>Ends the trust in the old key.</summary>
    public const string Retire = "retire";

    /// <summary>Goes one step back.</summary>
    public const string Back = "back";

    /// <summary>Replaces a key that somebody else may have, at once.</summary>
    public const string Compromised = "compromised";

    /// <summary>Records that hosts trust the keys that they should.</summary>
    public const string Confirm = "confirm";

    /// <summary>Has the daemon take each further step by itself, or ends that.</summary>
    public const string Schedule = "schedule";
}

/// <summary>Changes the rotation of a CA key.</summary>
/// <param name="Key">The key: <c>user</c>, <c>host</c> or <c>sync</c>.</param>
/// <param name="Act">One of <see cref="RotationActs"/>.</param>
/// <param name="Nodes">
/// For <c>confirm</c> the hosts that trust the keys; for <c>switch</c> and <c>retire</c> the hosts that may be left behind.
/// </param>
/// <param name="At">For <c>schedule</c>: from when on; null to end it.</param>
/// <param name="Keys">
/// For <c>compromised</c>: the fingerprints of the keys that are meant, as <see cref="RotationList.Compromised"/> had them; if there are
/// others by now, nothing is done. Null for those that there are.
/// </param>
public sealed record RotateKey(string Key, string Act, string[]? Nodes = null, string? At = null, string[]? Keys = null);

/// <summary>Lists the rotations that are under way.</summary>
public sealed record ListRotations;

/// <summary>The rotations that are under way.</summary>
/// <param name="Rotations">At most one for each key.</param>
/// <param name="Compromised">
/// The keys that <c>compromised</c> would revoke: the one that signs, and whatever may have been beside it. Null from a daemon of an
/// earlier version.
/// </param>
public sealed record RotationList(KeyRotation[] Rotations, CompromisedKey[]? Compromised = null);

/// <summary>A key that is revoked if the key of its purpose is compromised.</summary>
/// <param name="Key">The key: <c>user</c> or <c>host</c>.</param>
/// <param name="Fingerprint">Its fingerprint.</param>
/// <param name="State"><c>signs</c>, <c>trusted</c> in a rotation that is under way, or <c>former</c>.</param>
public sealed record CompromisedKey(string Key, string Fingerprint, string State);

/// <summary>The rotation of a CA key.</summary>
/// <param name="Key">The key: <c>user</c>, <c>host</c> or <c>sync</c>.</param>
/// <param name="Step"><c>prepared</c>, <c>switched</c> or <c>retiring</c>.</param>
/// <param name="Since">When the step began.</param>
/// <param name="Old">The fingerprint of the key that signed before.</param>
/// <param name="Next">The fingerprint of the key that takes over.</param>
/// <param name="Unconfirmed">The hosts that are not known to trust what they must before the next step, up to 200.</param>
/// <param name="UnconfirmedCount">How many there are.</param>
/// <param name="Abandoned">The hosts that were left behind by name.</param>
/// <param name="Obstacle">Why the next step is not taken yet; null if it can be.</param>
/// <param name="Scheduled">From when on the daemon takes each further step by itself; null for by command only.</param>
public sealed record KeyRotation(
    string Key, string Step, DateTimeOffset Since, string Old, string Next, UnconfirmedHost[] Unconfirmed, int UnconfirmedCount,
    string[] Abandoned, string? Obstacle = null, DateTimeOffset? Scheduled = null)
{
    /// <summary>
    /// What is wrong with the key that does not sign in this step: its file is missing, is another key's, or others can read it. Null for
    /// nothing.
    /// </summary>
    public string? Fault { get; init; }
}

/// <summary>A host that has not confirmed.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="Why">What is known of the reason.</param>
public sealed record UnconfirmedHost(string Name, string Why);

/// <summary>The result of a change.</summary>
/// <param name="Key">The key.</param>
/// <param name="Signing">The fingerprint of the key that signs now.</param>
/// <param name="Revoked">How many certificates were revoked.</param>
/// <param name="Unreached">
/// The hosts that do not have the new files yet, up to 200; each may still trust a key that was compromised.
/// </param>
/// <param name="Rotation">The rotation as it is now; null if it has ended.</param>
public sealed record KeyRotated(string Key, string Signing, int Revoked, HostBehind[] Unreached, KeyRotation? Rotation = null)
{
    /// <summary>The fingerprints of the keys that were revoked because they are compromised; null for none.</summary>
    public string[]? RevokedKeys { get; init; }
}

/// <summary>Tells the daemon which keys were put on a host.</summary>
/// <param name="Name">The name of the node.</param>
/// <param name="UserCas">The user CA keys, each as one line.</param>
/// <param name="SyncCas">The sync CA keys, each as one line; null for a host that the daemon does not write to.</param>
public sealed record ConfirmTrust(string Name, string[] UserCas, string[]? SyncCas = null);

/// <summary>The keys are recorded.</summary>
/// <param name="Name">The name of the node.</param>
public sealed record TrustConfirmed(string Name);
