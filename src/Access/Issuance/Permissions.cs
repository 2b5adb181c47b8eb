namespace CertAuthority.Access;

/// <summary>What a session may do beside run commands: the extensions of the certificate.</summary>
/// <param name="Pty">A terminal (<c>permit-pty</c>).</param>
/// <param name="AgentForwarding"><c>permit-agent-forwarding</c>.</param>
/// <param name="PortForwarding"><c>permit-port-forwarding</c>.</param>
/// <param name="X11Forwarding"><c>permit-X11-forwarding</c>.</param>
public sealed record SessionPermissions(bool Pty, bool AgentForwarding, bool PortForwarding, bool X11Forwarding);

/// <summary>The third part of the issuance policy: what a session may do.</summary>
public static class Permissions
{
    /// <summary>
    /// A terminal, always; forwardings only where a role says so, and no role can yet: the options that would are refused
    /// when the role is created.
    /// </summary>
    public static SessionPermissions Decide() => new(Pty: true, AgentForwarding: false, PortForwarding: false, X11Forwarding: false);
}
