namespace CertAuthority.Access.Roles;

/// <summary>What a request asks for.</summary>
public enum RequestKind
{
    /// <summary>Roles, on all nodes that they reach.</summary>
    Roles,

    /// <summary>Nodes by name: the roles that reach them, on these nodes only.</summary>
    Resources,
}
