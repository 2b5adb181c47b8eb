namespace CertAuthority.Protocol;

/// <summary>The kinds of resources that commands name. The daemon serves all that it has, with <see cref="Routes.ListKinds"/>.</summary>
public static class ResourceKinds
{
    /// <summary>What users may do where, and what they may request.</summary>
    public const string Role = "role";

    /// <summary>A host.</summary>
    public const string Node = "node";

    /// <summary>Somebody who logs in.</summary>
    public const string User = "user";

    /// <summary>What grants nothing for now.</summary>
    public const string Lock = "lock";

    /// <summary>In place of a kind: every kind.</summary>
    public const string All = "all";
}
