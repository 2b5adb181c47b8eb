namespace CertAuthority.Protocol;

/// <summary>The kinds of resources that commands name. The daemon lists all its kinds with <see cref="Routes.ListKinds"/>.</summary>
public static class ResourceKinds
{
    /// <summary>What users may do where, and what they may request.</summary>
    public const string Role = "role";

    /// <summary>A host.</summary>
    public const string Node = "node";

    /// <summary>A group of hosts, which certificates can name.</summary>
    public const string NodeGroup = "node_group";

    /// <summary>A user who logs in.</summary>
    public const string User = "user";

    /// <summary>A lock, which keeps its target from being used.</summary>
    public const string Lock = "lock";

    /// <summary>Every kind, instead of one.</summary>
    public const string All = "all";
}
