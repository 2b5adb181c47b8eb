namespace CertAuthority.Ui.Desks;

/// <summary>How much of a request to approve.</summary>
/// <param name="Roles">Only these of its roles; null for all.</param>
/// <param name="MaxDuration">How long the access lasts at most, a duration; null for as long as the request says.</param>
public sealed record Approval(string[]? Roles = null, string? MaxDuration = null)
{
    /// <summary>All of it.</summary>
    public static readonly Approval Whole = new();

    /// <summary>The roles as the protocol takes them in a query.</summary>
    internal string? RoleList => Roles is null ? null : string.Join(',', Roles);
}
