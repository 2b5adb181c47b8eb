namespace CertAuthority.Access.Roles;

/// <summary>What a reviewer says to a request.</summary>
public enum ReviewDecision
{
    /// <summary>It may be granted.</summary>
    Approve,

    /// <summary>It may not.</summary>
    Deny,
}
