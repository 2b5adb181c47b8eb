namespace CertAuthority.Access.Roles;

/// <summary>A reviewer's vote on a request.</summary>
public enum ReviewDecision
{
    /// <summary>For granting it.</summary>
    Approve,

    /// <summary>Against granting it.</summary>
    Deny,
}
