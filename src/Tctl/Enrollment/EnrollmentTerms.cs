using CertAuthority.Protocol;

namespace CertAuthority.Tctl;

/// <summary>The host to bring under the authority, and the name that it gets.</summary>
/// <param name="Node">The name of its node.</param>
/// <param name="At">Where ssh logs in as root today.</param>
/// <param name="Labels">The labels of a node that does not exist yet.</param>
internal sealed record EnrollingHost(string Node, ServerAddress.Ssh At, Dictionary<string, string> Labels);

/// <summary>What an operator decides about an enrollment, the same for every host of one command.</summary>
internal sealed record EnrollmentTerms
{
    /// <summary>Where users find the host; null for where ssh does.</summary>
    public string? Address { get; init; }

    /// <summary>The account for the proof; null for the account of ssh, or root.</summary>
    public string? Login { get; init; }

    /// <summary>The lifetime of the host's certificate, a duration; null for the default.</summary>
    public string? Ttl { get; init; }

    /// <summary>Whether the daemon will write to a host whose node does not exist yet.</summary>
    public bool Push { get; init; } = true;

    /// <summary>Addresses from which the host sees the daemon; null for the address from which it sees this command.</summary>
    public string[]? Exempt { get; init; }

    /// <summary>What to do with another authority.</summary>
    public OtherAuthority Other { get; init; }

    /// <summary>
    /// Whether plain keys go on opening the host: true for a node that does not exist yet and begins as a pilot, false to end that; null
    /// for what the node says.
    /// </summary>
    public bool? KeepKeys { get; init; }

    /// <summary>The jump host through which users and the daemon reach a host whose node does not exist yet; null for none.</summary>
    public string? Via { get; init; }

    /// <summary>Whether to make it a jump host; false for what the node says.</summary>
    public bool Jump { get; init; }

    /// <summary>Whether to enroll a host that nobody could enter.</summary>
    public bool EvenIfNobodyEnters { get; init; }

    /// <summary>Whether ssh may ask for passwords and unknown host keys.</summary>
    public bool MayAsk { get; init; } = true;
}
