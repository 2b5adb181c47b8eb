using System.Collections.Immutable;
using CertAuthority.Access.Issuance;
using CertAuthority.Access.Requests;
using CertAuthority.Access.Roles;
using CertAuthority.Access.Users;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Facts;

/// <summary>Why a request deserves a second look.</summary>
public enum RiskKind
{
    /// <summary>It opens root.</summary>
    Root,

    /// <summary>It opens a login on every host that trusts the CA.</summary>
    AllHosts,

    /// <summary>It opens a login that administers the daemon's own host.</summary>
    DaemonHost,

    /// <summary>Its sessions may forward ports, an agent or X11.</summary>
    Forwarding,

    /// <summary>Its sessions run one command only. This limits the access; whether it is safe depends on the command.</summary>
    ForcedCommand,

    /// <summary>The requester was not granted one of the roles before.</summary>
    FirstTime,
}

/// <summary>A risk of an approval.</summary>
/// <param name="Kind">The kind, for programs.</param>
/// <param name="What">The risk in words, for people.</param>
public sealed record Risk(RiskKind Kind, string What)
{
    /// <summary>
    /// Returns a sentence for each role that grants a login of an administrator of the daemon's host: on that host, it is full control.
    /// </summary>
    /// <param name="granted">The granted roles.</param>
    /// <param name="requester">The user who gets them.</param>
    /// <param name="privileged">The logins that administer the daemon's host.</param>
    public static IEnumerable<string> OfDaemonHost(IEnumerable<Role> granted, User requester, ImmutableHashSet<string> privileged) =>
        from role in granted
        let login = role.Allow.Logins.SelectMany(login => login.Values(requester.Traits)).FirstOrDefault(privileged.Contains)
        where login is not null
        select $"role {role.Name} grants {login}; on the daemon's own host that is full control of CertAuthority";

    /// <param name="question">The question.</param>
    /// <param name="approved">The request as its approval would leave it; null if it cannot be approved.</param>
    /// <param name="opened">What it would open.</param>
    internal static IEnumerable<Risk> Of(FactsQuestion question, AccessRequest? approved, Opened opened)
    {
        if (approved is null)
            yield break;
        if (opened.Openings.Any(opening => opening.Login == "root"))
            yield return new Risk(RiskKind.Root, "it opens the login root");
        var everywhere = opened.Openings.Where(opening => opening.IsEverywhere).Select(opening => opening.Login).Distinct().ToList();
        if (everywhere.Count > 0)
            yield return new Risk(RiskKind.AllHosts, $"{Names.Few(everywhere)} on every host that trusts the CA");
        if (opened.Openings.Any(opening => question.PrivilegedLogins.Contains(opening.Login)))
            foreach (var what in OfDaemonHost(
                approved.GrantedRoles.Select(granted => question.Roles[granted.Name]), question.Requester!, question.PrivilegedLogins))
                yield return new Risk(RiskKind.DaemonHost, what);
        if (Forwardings(opened.Permissions).ToList() is [_, ..] forwardings)
            yield return new Risk(RiskKind.Forwarding, $"sessions may forward {Names.Few(forwardings)}");
        foreach (var command in opened.Permissions.Select(one => one.Conditions.GetValueOrDefault(SessionCondition.ForceCommand.Name))
                     .OfType<string>().Distinct(StringComparer.Ordinal))
            yield return new Risk(RiskKind.ForcedCommand, $"sessions run only {command}");
        if (approved.GrantedRoles.Select(role => role.Name)
                .Where(role => !question.Earlier.Any(earlier => earlier.Role == role && earlier.WasGranted)).ToList() is [_, ..] first)
            yield return new Risk(RiskKind.FirstTime, $"{approved.UserName} was not granted {string.Join(" or ", first)} within a year");
    }

    private static IEnumerable<string> Forwardings(ImmutableArray<SessionPermissions> permissions)
    {
        if (permissions.Any(one => one.PortForwarding))
            yield return "ports";
        if (permissions.Any(one => one.AgentForwarding))
            yield return "the agent";
        if (permissions.Any(one => one.X11Forwarding))
            yield return "X11";
    }
}
