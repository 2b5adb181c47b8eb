namespace CertAuthority.Access.Nodes;

/// <summary>
/// What the daemon finds on a host before it replaces it. A host that was rolled back, or on which somebody else wrote, gets the new files
/// all the same; but it must not happen unseen.
/// </summary>
/// <param name="ListVersion">The version of the revocation list; null if there is none, or none that can be read.</param>
/// <param name="ListHash">The SHA-256 of that list, as manifests name it.</param>
/// <param name="HasManifest">Whether there is a manifest, whoever made it.</param>
/// <param name="Manifest">The manifest; null if there is none that this daemon signed.</param>
/// <param name="HasCheckpoint">Whether there is a checkpoint of the audit, whoever made it.</param>
public sealed record HostReading(ulong? ListVersion, string ListHash, bool HasManifest, Manifest? Manifest, bool HasCheckpoint)
{
    /// <summary>Returns what somebody changed since the last write, in words that follow the name of the host; null for nothing.</summary>
    /// <param name="left">What the daemon left there.</param>
    public string? Alteration(NodeSync left)
    {
        if (left.KrlVersion == 0)
            return null;
        if (ListVersion is not { } version)
            return "its revocation list was gone, or was none";
        if (version < left.KrlVersion)
            return $"it had revocation list {version} again, although it had {left.KrlVersion} before";
        if (left.Witnessed is not null && !HasCheckpoint)
            return "its checkpoint of the audit was gone";
        if (!left.HasManifest)
            return null;
        if (!HasManifest)
            return "its manifest was gone";
        if (Manifest is null)
            return "this daemon did not sign its manifest";
        // The list is replaced before the manifest. A connection that broke in between leaves a manifest that is older than the list.
        return Manifest.Version > version || (Manifest.Version == version && Manifest.Krl != ListHash)
            ? $"its revocation list {version} was not the one that its manifest names"
            : null;
    }
}
