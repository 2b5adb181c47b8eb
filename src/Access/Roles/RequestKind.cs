namespace CertAuthority.Access.Roles;

/// <summary>What a request asks for.</summary>
public enum RequestKind
{
    /// <summary>Roles, wherever they reach.</summary>
    Roles,

    /// <summary>Nodes by name, and the roles that reach them, on these nodes only.</summary>
    Resources,
}
