using System.Collections.Immutable;
using System.Text;
using CertAuthority.Access.Values;

namespace CertAuthority.Access.Nodes;

/// <summary>A file on a host, readable by all.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="Content">The whole content.</param>
public sealed record HostFile(string Path, ReadOnlyMemory<byte> Content);

/// <summary>The material for the files of a host. Keys and certificates are lines without line endings.</summary>
/// <param name="UserCas">
/// The public halves of the user CA keys, with the signing one first, followed by those of the other authorities that the host trusts.
/// </param>
/// <param name="Krl">The revocation list.</param>
/// <param name="Certificate">The host's own certificate; null for none.</param>
/// <param name="SyncCas">The public halves of the sync CA keys, with the signing one first.</param>
/// <param name="EmptyKrl">A revocation list that revokes nothing.</param>
/// <param name="HostCas">The public halves of the host CA keys, with the signing one first.</param>
/// <param name="AuditKey">The public half of the key that signs manifests and checkpoints.</param>
/// <param name="JumpCas">
/// For a jump host, the public halves of the CA keys whose certificates pass it: the user CA keys and the sync CA keys, and nobody
/// else's; null for other hosts.
/// </param>
/// <param name="JumpPrincipals">For a jump host, who may go where, as <see cref="Ways.PrincipalsFile"/> writes it.</param>
public sealed record HostContent(
    ImmutableArray<string> UserCas,
    ReadOnlyMemory<byte> Krl,
    string? Certificate,
    ImmutableArray<string> SyncCas,
    ReadOnlyMemory<byte> EmptyKrl,
    ImmutableArray<string> HostCas,
    string AuditKey,
    ImmutableArray<string>? JumpCas = null,
    string JumpPrincipals = "");

/// <summary>The complete set of files on a host under this authority. docs/hosts.md explains each line.</summary>
public static class HostFiles
{
    /// <summary>
    /// The directory of the files that change. Anyone who can write there is root on the host: root itself, and the account that the daemon
    /// uses to write.
    /// </summary>
    public const string Directory = "/etc/ssh/certauthority";

    /// <summary>
    /// The directory of the files that let the daemon in. They never change, and only root can write there, so that nothing that the daemon
    /// sends can lock it out.
    /// </summary>
    public const string SyncDirectory = "/etc/ssh/certauthority-sync";

    /// <summary>The name of the file with the tokens of the groups that a host is in.</summary>
    public const string GroupsName = "groups";

    /// <summary>The drop-in that sshd reads before all others, so that its settings take precedence.</summary>
    public const string DropIn = "/etc/ssh/sshd_config.d/00-certauthority.conf";

    /// <summary>Returns the files in the order in which they must be written: files that the drop-in names come before it.</summary>
    /// <param name="node">The host.</param>
    /// <param name="content">The material for the files.</param>
    /// <param name="exempt">
    /// Addresses exempt from penalties for failed logins, the daemon's first; null if the host's sshd has no penalties (before OpenSSH
    /// 9.8).
    /// </param>
    public static ImmutableArray<HostFile> For(Node node, HostContent content, string? exempt = null)
    {
        var files = ImmutableArray.CreateBuilder<HostFile>();
        files.AddRange(Changing(content));
        if (node.Push)
        {
            files.Add(new HostFile($"{SyncDirectory}/sync_ca.pub", Lines(content.SyncCas)));
            files.Add(new HostFile($"{SyncDirectory}/sync.krl", content.EmptyKrl));
        }
        else
        {
            // What certauthority-pull goes by, so that it need not take any key from where it fetches.
            files.Add(new HostFile($"{Directory}/audit_key.pub", Lines([content.AuditKey])));
            files.Add(new HostFile($"{Directory}/host_ca.pub", Lines(content.HostCas)));
        }
        files.Add(new HostFile(DropIn, Encoding.UTF8.GetBytes(Configuration(node, content.Certificate is not null, exempt))));
        return files.ToImmutable();
    }

    /// <summary>Returns the files in <see cref="Directory"/>, the most important first.</summary>
    public static IEnumerable<HostFile> Changing(HostContent content)
    {
        yield return new HostFile($"{Directory}/revoked.krl", content.Krl);
        yield return new HostFile($"{Directory}/user_ca.pub", Lines(content.UserCas));
        if (content.Certificate is { } certificate)
            yield return new HostFile($"{Directory}/host-cert.pub", Lines([certificate]));
        if (content.JumpCas is { } cas)
        {
            yield return new HostFile($"{Directory}/jump_ca.pub", Lines(cas));
            yield return new HostFile($"{Directory}/jump_principals", Encoding.UTF8.GetBytes(content.JumpPrincipals));
        }
    }

    /// <summary>
    /// Returns the file with the tokens of the groups that a host is in. Its last line is a dot, so that half a file is none: then the host
    /// is in no group.
    /// </summary>
    /// <param name="tokens">At most 16, in order.</param>
    public static byte[] Groups(ImmutableArray<string> tokens) => Lines([.. tokens, "."]);

    /// <summary>Whether the principals that the drop-in of a host lists contain those of its groups.</summary>
    /// <param name="dropIn">The drop-in as it is on the host.</param>
    public static bool ListsGroups(string dropIn) =>
        dropIn.Split('\n').Any(
            line => line.StartsWith("AuthorizedPrincipalsCommand ", StringComparison.Ordinal)
                && line.Contains(ListGroups, StringComparison.Ordinal));

    // The node's name consists of [a-z0-9.-], so it contains nothing special to sshd, the shell, printf or find.
    private static string Configuration(Node node, bool isCertified, string? exempt)
    {
        // Prints nothing, so that nobody can log in, if the list is older than allowed, or shorter than a list can be.
        const string young = $"/usr/bin/find {Directory}/revoked.krl -size +43c -mmin";
        var age = (int?)node.KrlMaxAge?.TotalMinutes;
        // sshd takes no output at all of a command that fails.
        var principals = $@"/bin/sh -c '{(age is null ? "" : $@"[ -n ""$({young} -{age})"" ] || exit 0; ")}"
            + $@"printf ""%%s\n%%s@{node.Name}\n"" ""$1"" ""$1""; {ListGroups}; exit 0' sh %u";
        return $"""
            # Lets holders of certificates enter {node.Name}. Written by certauthority; what is changed here is lost.
            TrustedUserCAKeys {Directory}/user_ca.pub
            RevokedKeys {Directory}/revoked.krl
            {(node.KeepKeys ? KeptKeys : "AuthorizedKeysFile none")}
            AuthorizedPrincipalsFile none
            AuthorizedPrincipalsCommand {principals}
            AuthorizedPrincipalsCommandUser nobody
            {(isCertified ? $"HostCertificate {Directory}/host-cert.pub\n" : "")}{(string.IsNullOrEmpty(exempt) ? "" : $"{Exempt}{exempt}\n")}{(node.Push ? Sync : "")}{(node.Jump ? Jump(node) : "")}
            """;
    }

    // It forwards to the hosts behind it and does nothing else. sshd reads both files at each login, so a new host behind it needs no
    // reload. The principals name the only destinations; MaxSessions 0 prevents every shell, command and subsystem. Other authorities that
    // the host trusts have no say here.
    private static string Jump(Node node)
    {
        var principals = $"/usr/bin/cat {Directory}/jump_principals";
        return $"""
            # The way through this host, for those who may enter a host behind it.
            Match User {Names.JumpLogin}
                TrustedUserCAKeys {Directory}/jump_ca.pub
                RevokedKeys {Directory}/revoked.krl
                AuthorizedKeysFile none
                AuthorizedPrincipalsFile none
                AuthorizedPrincipalsCommand {(node.KrlMaxAge is { } age
                    ? $"/usr/bin/find {Directory}/revoked.krl -size +43c -mmin -{(int)age.TotalMinutes} -exec {principals} ;"
                    : principals)}
                AuthorizedPrincipalsCommandUser nobody
                AuthenticationMethods publickey
                DisableForwarding no
                AllowTcpForwarding local
                AllowStreamLocalForwarding no
                AllowAgentForwarding no
                X11Forwarding no
                PermitTunnel no
                PermitListen none
                GatewayPorts no
                PermitUserRC no
                PermitTTY no
                MaxSessions 0
                ForceCommand /bin/false

            """;
    }

    // Of a file that is missing, broken off, too long, or has any line that is no token, nothing is printed. The login is an argument,
    // which the shell does not interpret.
    private const string ListGroups =
        $@"/usr/bin/head -c 1600 {Directory}/{GroupsName} 2>/dev/null | {{ n=0 all=; while IFS= read -r one; do case $one in .) "
        + @"for one in $all; do printf ""%%s@=%%s\n"" ""$1"" ""$one""; done; break;; """"|[!a-z0-9]*|*[!a-z0-9.-]*) break;; esac; "
        + @"n=$((n+1)); [ $n -le 16 ] || break; all=""$all $one""; done; }";

    private const string KeptKeys = "# A pilot: plain keys open this host too.";

    // sshd counts penalties by address: without this, anybody on the daemon's host could delay new lists by failing to log in.
    private const string Exempt =
        "# The daemon's address, from where failed logins must not hold its lists back; then what was exempt before.\nPerSourcePenaltyExemptList ";

    // The daemon's own login depends on nothing that the daemon writes: it uses its own CA and a list that never changes, and does not
    // check the age of the other list. It sees /etc/ssh and nothing else. In 9.2, "AuthorizedPrincipalsCommand none" would not undo the one
    // above.
    private const string Sync = $"""
        # The daemon's own way in, to write the files above.
        Match User {Names.DaemonsLogin}
            TrustedUserCAKeys {SyncDirectory}/sync_ca.pub
            RevokedKeys {SyncDirectory}/sync.krl
            AuthorizedKeysFile none
            AuthorizedPrincipalsFile none
            AuthorizedPrincipalsCommand /usr/bin/printf %%s\n %u
            AuthorizedPrincipalsCommandUser nobody
            AuthenticationMethods publickey
            ChrootDirectory /etc/ssh
            ForceCommand internal-sftp -u 0022 -d /certauthority
            DisableForwarding yes
            PermitTTY no

        """;

    private static byte[] Lines(ImmutableArray<string> lines) =>
        Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => $"{line}\n")));
}
