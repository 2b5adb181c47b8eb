using System.Text;
using CertAuthority.Access.Nodes;

namespace CertAuthority.Tests.Unit.Access;

public class HostFilesTests
{
    private static readonly Node Db1 = Sample.Node("db1");

    [Fact]
    public void Drop_in_matches_the_sample_with_the_host_name()
    {
        var sample = File.ReadAllLines(Path.Combine(CertAuthority.Tests.Unit.Docs.Document.Root, "config/sshd_config.d/00-certauthority.conf")).Where(IsLine).Select(Words);
        Assert.Equal(sample, Lines(Db1, null));
        Assert.Contains(Lines(Sample.Node("web-2.eu"), null), line => line.StartsWith(@"AuthorizedPrincipalsCommand /bin/sh -c 'printf ""%%s\n%%s@web-2.eu\n"" ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Drop_in_lists_groups_and_checks_the_age_of_the_list(bool push)
    {
        var lines = Lines(Db1 with { Push = push }, null);
        var command = Assert.Single(lines, line => line.StartsWith("AuthorizedPrincipalsCommand /bin/sh", StringComparison.Ordinal));
        Assert.EndsWith("; exit 0' sh %u", command, StringComparison.Ordinal);
        Assert.True(HostFiles.ListsGroups(string.Join('\n', lines)));
        Assert.False(HostFiles.ListsGroups(string.Join('\n', lines.Select(line => line.Replace("/groups", "/others", StringComparison.Ordinal)))));
        Assert.Contains(Lines(Db1 with { Push = push, KrlMaxAge = TimeSpan.FromMinutes(90) }, null), line => line.StartsWith(
            "AuthorizedPrincipalsCommand /bin/sh -c '[ -n \"$(/usr/bin/find /etc/ssh/certauthority/revoked.krl -size +43c -mmin -90)\" ] || exit 0; printf ", StringComparison.Ordinal));
        Assert.Equal("a.0123456789abcdef\nb.0123456789abcdef\n.\n", Encoding.UTF8.GetString(HostFiles.Groups(["a.0123456789abcdef", "b.0123456789abcdef"])));
    }

    /// <summary>The script of hosts that fetch tells by these words whether sshd reads the groups.</summary>
    [Fact]
    public void Puller_looks_for_the_words_of_the_drop_in()
    {
        var script = File.ReadAllText(Path.Combine(CertAuthority.Tests.Unit.Docs.Document.Root, "packaging/host/certauthority-pull")).Split('\n');
        var words = Assert.Single(script, line => line.TrimStart().StartsWith("words=", StringComparison.Ordinal)).Trim()["words=".Length..].Trim('"', '\'').Replace("\"'", "", StringComparison.Ordinal)
            .Replace("$DIR", "/etc/ssh/certauthority", StringComparison.Ordinal);
        Assert.True(HostFiles.ListsGroups($"AuthorizedPrincipalsCommand {words}"), words);
        Assert.Contains(words, string.Join('\n', Lines(Db1, null)), StringComparison.Ordinal);
    }

    /// <summary>The command of the drop-in as sshd runs it, in a shell.</summary>
    [Theory]
    [InlineData("a.0123456789abcdef\nb.0123456789abcdef\n.\n", "root@=a.0123456789abcdef\nroot@=b.0123456789abcdef\n")]
    [InlineData(".\n", "")]
    [InlineData(null, "")]
    [InlineData("", "")]
    [InlineData("a.0123456789abcdef\n", "")]
    [InlineData("a.0123456789abcdef\n.", "")]
    [InlineData("a.0123456789abcdef\n\n.\n", "")]
    [InlineData("a.0123456789abcdef\nb c\n.\n", "")]
    [InlineData("a.0123456789abcdef\n*\n.\n", "")]
    [InlineData("$(id)\n.\n", "")]
    [InlineData("root@db2\n.\n", "")]
    [InlineData("-n\n.\n", "")]
    [InlineData("1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12\n13\n14\n15\n16\n17\n.\n", "")]
    public async Task Shell_lists_groups_of_a_whole_file_only(string? file, string groups)
    {
        using var folder = new Store.TemporaryFolder();
        if (file is not null)
            File.WriteAllText(folder.File("groups"), file);
        var command = Lines(Db1 with { Push = true }, null).Single(line => line.StartsWith("AuthorizedPrincipalsCommand /bin/sh", StringComparison.Ordinal));
        var script = command.Split('\'')[1].Replace("%%", "%", StringComparison.Ordinal).Replace("/etc/ssh/certauthority/groups", folder.File("groups"), StringComparison.Ordinal);
        foreach (var login in (string[])["root", "$(id)", "-n", "a b"])
        {
            using var shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", script, "sh", login]) { RedirectStandardOutput = true, UseShellExecute = false })!;
            Assert.Equal($"{login}\n{login}@db1\n{groups.Replace("root", login, StringComparison.Ordinal)}", await shell.StandardOutput.ReadToEndAsync());
            await shell.WaitForExitAsync();
            Assert.Equal(0, shell.ExitCode);
        }
    }

    [Fact]
    public void Pilot_says_nothing_of_plain_keys_but_for_the_daemon()
    {
        Assert.Contains("AuthorizedKeysFile none", Lines(Db1, null));
        Assert.DoesNotContain("AuthorizedKeysFile none", Lines(Db1 with { KeepKeys = true }, null));
        // Principals of other names would open logins, whatever keys do.
        foreach (var keeps in (bool[])[true, false])
            Assert.Contains("AuthorizedPrincipalsFile none", Lines(Db1 with { KeepKeys = keeps }, null));
        var lines = Lines(Db1 with { KeepKeys = true, Push = true }, null);
        Assert.Equal(["    AuthorizedKeysFile none"], [.. lines.Where(line => line.Contains("AuthorizedKeysFile", StringComparison.Ordinal)).Select(line => $"    {line.Trim()}")]);
        Assert.True(Array.IndexOf(lines, "Match User certauthority-sync") < Array.FindIndex(lines, line => line.Contains("AuthorizedKeysFile", StringComparison.Ordinal)));
    }

    [Fact]
    public void Files_named_in_the_drop_in_come_before_it()
    {
        var files = HostFiles.For(Db1, Content("ssh-ed25519-cert-v01@openssh.com AAAA db1"));
        Assert.Equal(
            ["/etc/ssh/certauthority/revoked.krl", "/etc/ssh/certauthority/user_ca.pub", "/etc/ssh/certauthority/host-cert.pub", "/etc/ssh/certauthority/audit_key.pub", "/etc/ssh/certauthority/host_ca.pub", "/etc/ssh/sshd_config.d/00-certauthority.conf"],
            files.Select(file => file.Path));
        Assert.Equal("ssh-ed25519 AAAA audit key\n", Encoding.UTF8.GetString(files[3].Content.Span));
        Assert.Equal([1, 2], files[0].Content.ToArray());
        Assert.Equal("ssh-ed25519 AAAA user CA\nssh-ed25519 BBBB next user CA\n", Encoding.UTF8.GetString(files[1].Content.Span));
        Assert.Equal("HostCertificate /etc/ssh/certauthority/host-cert.pub", Lines(Db1, "cert")[^1]);
        // Without one, sshd would refuse to start over a file that is not there.
        Assert.DoesNotContain(Lines(Db1, null), line => line.StartsWith("HostCertificate", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_line_is_terminated_and_none_is_empty()
    {
        foreach (var (certificate, push) in ((string?, bool)[])[(null, false), ("cert", false), (null, true), ("cert", true)])
        {
            var text = Encoding.UTF8.GetString(HostFiles.For(Db1 with { Push = push }, Content(certificate))[^1].Content.Span);
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\n\n", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Sync_access_depends_on_nothing_that_the_daemon_writes()
    {
        var node = Db1 with { Push = true, KrlMaxAge = TimeSpan.FromHours(1) };
        var files = HostFiles.For(node, Content("cert"));
        Assert.Equal(["/etc/ssh/certauthority-sync/sync_ca.pub", "/etc/ssh/certauthority-sync/sync.krl", "/etc/ssh/sshd_config.d/00-certauthority.conf"], files[^3..].Select(file => file.Path));
        Assert.Equal(("ssh-ed25519 AAAA sync CA\nssh-ed25519 BBBB next sync CA\n", 3), (Encoding.UTF8.GetString(files[^3].Content.Span), files[^2].Content.Length));
        var lines = Lines(node, "cert");
        var block = lines[Array.IndexOf(lines, "Match User certauthority-sync")..];
        // All that lets somebody in above the block is said anew in it.
        Assert.Empty(lines[..^block.Length].Select(line => line.Split(' ')[0]).Except(["HostCertificate"]).Except(block.Select(line => line.Split(' ')[0])));
        Assert.DoesNotContain(block, line => line.Contains("/etc/ssh/certauthority/", StringComparison.Ordinal) || line.Contains("find", StringComparison.Ordinal));
        Assert.Contains("ForceCommand internal-sftp -u 0022 -d /certauthority", block);
        Assert.DoesNotContain(Lines(Db1, "cert"), line => line.StartsWith("Match", StringComparison.Ordinal));
    }

    [Fact]
    public void Drop_in_for_a_recent_sshd_matches_the_vector() =>
        Assert.Equal(
            File.ReadAllText(Path.Combine(CertAuthority.Tests.Unit.Docs.Document.Root, "tests/Unit/vectors/sshd/drop-in.conf")),
            Encoding.UTF8.GetString(HostFiles.For(Db1 with { Push = true }, Content("cert"), "192.0.2.7,198.51.100.0/24")[^1].Content.Span));

    [Fact]
    public void Jump_host_forwards_and_runs_nothing()
    {
        var jump = Db1 with { Jump = true, Push = true };
        var content = Content(null) with { JumpCas = ["ssh-ed25519 AAAA user CA"], JumpPrincipals = "permitopen=\"db2:22\" certauthority-jump@db1\n" };
        var files = HostFiles.For(jump, content);
        Assert.Equal(["/etc/ssh/certauthority/jump_ca.pub", "/etc/ssh/certauthority/jump_principals"], files.Select(file => file.Path).Where(path => path.Contains("jump", StringComparison.Ordinal)));
        var lines = Encoding.UTF8.GetString(files[^1].Content.Span).Split('\n').Where(IsLine).Select(Words).ToArray();
        var block = lines[(Array.IndexOf(lines, "Match User certauthority-jump") + 1)..];
        Assert.Superset(
            new HashSet<string>(
            [
                "TrustedUserCAKeys /etc/ssh/certauthority/jump_ca.pub", "AuthorizedPrincipalsCommand /usr/bin/cat /etc/ssh/certauthority/jump_principals", "AllowTcpForwarding local",
                "AllowStreamLocalForwarding no", "PermitListen none", "PermitTTY no", "MaxSessions 0", "AuthorizedKeysFile none", "AuthorizedPrincipalsFile none",
            ]),
            block.ToHashSet());
        Assert.Contains(
            "AuthorizedPrincipalsCommand /usr/bin/find /etc/ssh/certauthority/revoked.krl -size +43c -mmin -60 -exec /usr/bin/cat /etc/ssh/certauthority/jump_principals ;",
            Lines(jump with { KrlMaxAge = TimeSpan.FromHours(1) }, null));
        Assert.DoesNotContain(Lines(Db1, null), line => line.Contains("jump", StringComparison.Ordinal));
    }

    private static HostContent Content(string? certificate) => new(["ssh-ed25519 AAAA user CA", "ssh-ed25519 BBBB next user CA"], new byte[] { 1, 2 }, certificate, ["ssh-ed25519 AAAA sync CA", "ssh-ed25519 BBBB next sync CA"], new byte[3], ["ssh-ed25519 AAAA host CA"], "ssh-ed25519 AAAA audit key");

    private static string[] Lines(Node node, string? certificate) =>
        [.. Encoding.UTF8.GetString(HostFiles.For(node, Content(certificate))[^1].Content.Span).Split('\n').Where(IsLine).Select(Words)];

    private static bool IsLine(string line) => line.Length > 0 && line[0] != '#';

    private static string Words(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
