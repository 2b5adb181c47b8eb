namespace CertAuthority.Access.Roles;

/// <summary>The instant from which the duration of a request's access is counted.</summary>
public enum RequestClock
{
    /// <summary>From the filing of the request.</summary>
    Creation,

    /// <summary>From the approval of the request.</summary>
    Approval,
}
