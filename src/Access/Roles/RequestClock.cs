namespace CertAuthority.Access.Roles;

/// <summary>From when the time of a request's access runs.</summary>
public enum RequestClock
{
    /// <summary>From when it was filed.</summary>
    Creation,

    /// <summary>From when it was approved.</summary>
    Approval,
}
