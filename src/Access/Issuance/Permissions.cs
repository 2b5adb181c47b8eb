using System.Collections.Immutable;
using System.Text;
using CertAuthority.Access.Reach;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Issuance;

/// <summary>What a session may do, and under which conditions: the extensions and critical options of the certificate.</summary>
/// <param name="AgentForwarding"><c>permit-agent-forwarding</c>.</param>
/// <param name="PortForwarding"><c>permit-port-forwarding</c>.</param>
/// <param name="X11Forwarding"><c>permit-X11-forwarding</c>.</param>
/// <param name="ForceCommand"><c>force-command</c>: what runs instead of whatever was asked for; null for anything.</param>
/// <param name="SourceAddresses"><c>source-address</c>: from where; null for anywhere, never empty.</param>
/// <param name="VerifyRequired"><c>verify-required</c>: the security key must have verified its user.</param>
/// <param name="Extensions">Extensions of others, <c>name@domain</c>.</param>
/// <remarks>A terminal (<c>permit-pty</c>) is always granted.</remarks>
public sealed record SessionPermissions(
    bool AgentForwarding,
    bool PortForwarding,
    bool X11Forwarding,
    string? ForceCommand,
    AddressRange[]? SourceAddresses,
    bool VerifyRequired,
    ImmutableSortedDictionary<string, string> Extensions)
{
    /// <summary>Nothing but a terminal, under no condition.</summary>
    public static readonly SessionPermissions Plain = new(false, false, false, null, null, false, ImmutableSortedDictionary<string, string>.Empty);

    /// <summary>How many bytes the values take in a certificate, with their lengths.</summary>
    internal int Bytes =>
        (ForceCommand is null ? 0 : 32 + Encoding.UTF8.GetByteCount(ForceCommand))
        + (SourceAddresses is null ? 0 : 32 + SourceAddresses.Sum(range => range.ToString().Length + 1))
        + Extensions.Sum(extension => 16 + extension.Key.Length + extension.Value.Length);

    /// <summary>Whether one certificate can hold principals beside these.</summary>
    public bool FitBeside(IReadOnlyCollection<Principal> principals) =>
        principals.Count <= Principals.Max && principals.Sum(principal => 4 + principal.ToString().Length) + Bytes <= Principals.MaxBytes;

    /// <summary>Whether a session meets no condition.</summary>
    public bool IsUnconditional => ForceCommand is null && SourceAddresses is null && !VerifyRequired;

    /// <summary>The conditions for people, <c>runs only /usr/bin/restore</c>; null where there is none.</summary>
    public string? InWords => Conditions.From(ForceCommand, SourceAddresses ?? [], VerifyRequired).InWords;

    /// <summary>Why these permissions do not cover others that are out, or null when they do: nothing more is permitted there, and no condition is missing.</summary>
    public string? Exceeded(SessionPermissions issued)
    {
        if ((issued.AgentForwarding && !AgentForwarding) || (issued.PortForwarding && !PortForwarding) || (issued.X11Forwarding && !X11Forwarding))
            return "a forwarding is not granted any more";
        if (ForceCommand is not null && issued.ForceCommand != ForceCommand)
            return "another command is forced now";
        if (SourceAddresses is { } allowed && (issued.SourceAddresses is null || issued.SourceAddresses.Any(range => !allowed.Any(wider => wider.Contains(range)))))
            return "it may not be used from everywhere any more";
        if (VerifyRequired && !issued.VerifyRequired)
            return "the security key must verify its user now";
        return issued.Extensions.FirstOrDefault(extension => !Extensions.Contains(extension)) is { Key: { } lost } ? $"the extension {lost} is not granted any more" : null;
    }
}

/// <summary>
/// What a role demands of every session that its logins open. It belongs to the role's own login/host pairs, so roles with logins
/// that demand different things never share a certificate.
/// </summary>
/// <param name="ForceCommand">What runs instead of whatever was asked for; null for anything.</param>
/// <param name="SourceAddresses">From where: the ranges, sorted, with commas between them; empty for anywhere.</param>
/// <param name="VerifyRequired">Whether a security key must have verified its user.</param>
internal sealed record Conditions(string? ForceCommand, string SourceAddresses, bool VerifyRequired)
{
    /// <summary>No condition at all.</summary>
    public static readonly Conditions None = new(null, "", false);

    /// <summary>The conditions of a role.</summary>
    public static Conditions From(Role role) => From(role.Options.ForceCommand, role.Options.SourceAddresses, role.Options.VerifyRequired);

    /// <summary>Conditions that are the same have the same value, in whatever order the addresses stand.</summary>
    public static Conditions From(string? forceCommand, IEnumerable<AddressRange> sources, bool verifyRequired) => new(
        forceCommand, string.Join(", ", sources.Select(range => range.ToString()).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)), verifyRequired);

    /// <summary>For people, <c>runs only /usr/bin/restore</c>; null where there is none.</summary>
    public string? InWords
    {
        get
        {
            string[] words =
            [
                .. ForceCommand is null ? [] : new[] { $"runs only {ForceCommand}" },
                .. SourceAddresses.Length == 0 ? [] : new[] { $"only from {SourceAddresses}" },
                .. VerifyRequired ? new[] { "only with a verified security key" } : [],
            ];
            return words is [] ? null : string.Join(", ", words);
        }
    }
}

/// <summary>The third part of the issuance policy: what a session may do.</summary>
public static class Permissions
{
    /// <summary>
    /// What one certificate permits. A forwarding is permitted where a role in it says so; on an elevated certificate only a role that was requested can.
    /// Conditions hold as soon as one of its roles says so. Refused when two commands are forced, when the address ranges
    /// have nothing in common, when an extension has two values, and when a verified security key is needed and this is none:
    /// sshd ignores <c>verify-required</c> for other keys.
    /// </summary>
    /// <param name="assigned">The assigned roles that share the certificate.</param>
    /// <param name="elevated">The roles of requests that share it; empty without any.</param>
    /// <param name="isSecurityKey">Whether the key to certify lives in a FIDO authenticator.</param>
    public static Outcome<SessionPermissions> Decide(IReadOnlyList<RoleInUse> assigned, IReadOnlyList<RoleInUse> elevated, bool isSecurityKey)
    {
        var all = assigned.Concat(elevated).ToList();
        var permitting = Permitting(assigned, elevated).Select(role => role.Role.Options).ToList();

        var commands = all.Where(role => role.Role.Options.ForceCommand is not null).DistinctBy(role => role.Role.Options.ForceCommand).ToList();
        if (commands.Count > 1)
            return new Refusal($"role {commands[0].Role.Name} and role {commands[1].Role.Name} force different commands", "log in with one of them");

        AddressRange[]? sources = null;
        foreach (var role in all.Where(role => !role.Role.Options.SourceAddresses.IsEmpty))
        {
            sources = sources is null ? [.. role.Role.Options.SourceAddresses] : [.. AddressRange.Common(sources, role.Role.Options.SourceAddresses)];
            if (sources is [])
                return new Refusal($"role {role.Role.Name} and the other roles in use have no source address in common", "log in with one of them");
        }

        if (all.Find(role => role.Role.Options.VerifyRequired) is { } strict && !isSecurityKey)
            return new Refusal($"role {strict.Role.Name} certifies only security keys (verify_required)") { Remedy = new Remedy.UseSecurityKey() };

        var extensions = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in all.SelectMany(role => role.Extensions))
            if (!extensions.TryAdd(name, value) && extensions[name] != value)
                return new Refusal($"the roles in use have different values for the extension {name}", "log in with one of them");

        return new SessionPermissions(
            permitting.Exists(options => options.ForwardAgent),
            permitting.Exists(options => options.PortForwarding),
            permitting.Exists(options => options.X11Forwarding),
            commands.FirstOrDefault()?.Role.Options.ForceCommand,
            sources,
            all.Exists(role => role.Role.Options.VerifyRequired),
            extensions.ToImmutable());
    }

    /// <summary>What a role demands of every session, for people; null for nothing.</summary>
    public static string? Demanded(Role role) => Conditions.From(role).InWords;

    /// <summary>The roles that can permit a forwarding.</summary>
    internal static IReadOnlyList<RoleInUse> Permitting(IReadOnlyList<RoleInUse> assigned, IReadOnlyList<RoleInUse> elevated) => elevated.Count > 0 ? elevated : assigned;
}
