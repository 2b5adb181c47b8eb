using System.Text;
using CertAuthority.Access;

namespace CertAuthority.Tests.Unit.Access;

public class HostFilesTests
{
    private static readonly Node Db1 = Sample.Node("db1");

    [Fact]
    public void The_drop_in_is_the_one_of_the_samples_with_the_name_of_the_host()
    {
        var sample = File.ReadAllLines(Path.Combine(CertAuthority.Tests.Unit.Docs.Document.Root, "config/sshd_config.d/00-certauthority.conf")).Where(IsLine).Select(Words);
        Assert.Equal(sample, Lines(Db1, null));
        Assert.Contains(@"AuthorizedPrincipalsCommand /usr/bin/printf %%s\n%%s@web-2.eu\n %u %u", Lines(Sample.Node("web-2.eu"), null));
    }

    [Fact]
    public void A_host_that_fails_closed_asks_how_old_its_list_is() =>
        Assert.Contains(
            @"AuthorizedPrincipalsCommand /usr/bin/find /etc/ssh/certauthority/revoked.krl -size +43c -mmin -90 -printf %u\n%u@db1\n",
            Lines(Db1 with { KrlMaxAge = TimeSpan.FromMinutes(90) }, null));

    [Fact]
    public void What_the_drop_in_names_comes_before_it()
    {
        var files = HostFiles.Of(Db1, "ssh-ed25519 AAAA user CA", new byte[] { 1, 2 }, "ssh-ed25519-cert-v01@openssh.com AAAA db1");
        Assert.Equal(
            ["/etc/ssh/certauthority/user_ca.pub", "/etc/ssh/certauthority/revoked.krl", "/etc/ssh/certauthority/host-cert.pub", "/etc/ssh/sshd_config.d/00-certauthority.conf"],
            files.Select(file => file.Path));
        Assert.Equal("ssh-ed25519 AAAA user CA\n", Encoding.UTF8.GetString(files[0].Content.Span));
        Assert.Equal([1, 2], files[1].Content.ToArray());
        Assert.Equal("HostCertificate /etc/ssh/certauthority/host-cert.pub", Lines(Db1, "cert")[^1]);
        // Without one, sshd would refuse to start over a file that is not there.
        Assert.DoesNotContain(Lines(Db1, null), line => line.StartsWith("HostCertificate", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_line_ends_and_none_is_empty()
    {
        foreach (var certificate in (string?[])[null, "cert"])
        {
            var text = Encoding.UTF8.GetString(HostFiles.Of(Db1, "ca", new byte[1], certificate)[^1].Content.Span);
            Assert.EndsWith("\n", text, StringComparison.Ordinal);
            Assert.DoesNotContain("\n\n", text, StringComparison.Ordinal);
        }
    }

    private static string[] Lines(Node node, string? certificate) =>
        [.. Encoding.UTF8.GetString(HostFiles.Of(node, "ca", new byte[1], certificate)[^1].Content.Span).Split('\n').Where(IsLine).Select(Words)];

    private static bool IsLine(string line) => line.Length > 0 && line[0] != '#';

    private static string Words(string line) => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
