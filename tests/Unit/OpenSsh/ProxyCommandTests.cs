using System.Diagnostics;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tests.Unit;

public class ProxyCommandTests
{
    // ssh expands % and then runs a shell, for each jump host once; the one to connect to first is the innermost.
    [Fact]
    public void Words_survive_every_shell_on_the_way()
    {
        string[] odd = ["-o", "UserKnownHostsFile=\"/home/o'brien/50%%/a b\"", "--"];
        var command = ProxyCommand.Through([[.. odd, "outer"], [.. odd, "inner"]])!;
        var inner = Words(command, "db1");
        Assert.Equal(["-W", "[db1]:22", "-o"], inner[..3]);
        Assert.Equal([.. odd, "inner"], inner[4..]);
        var outer = Words(inner[3]["ProxyCommand=".Length..], "inner");
        Assert.Equal(["-W", "[inner]:22", .. odd, "outer"], outer);
        Assert.Null(ProxyCommand.Through([]));
    }

    private static string[] Words(string value, string host)
    {
        var expanded = value.Replace("%%", "\0", StringComparison.Ordinal).Replace("%h", host, StringComparison.Ordinal).Replace("%p", "22", StringComparison.Ordinal).Replace("\0", "%", StringComparison.Ordinal);
        using var shell = Process.Start(new ProcessStartInfo("sh", ["-c", $"ssh() {{ printf '%s\\n' \"$@\"; }}; {expanded}"]) { RedirectStandardOutput = true, UseShellExecute = false })!;
        return shell.StandardOutput.ReadToEnd().Split('\n')[..^1];
    }
}
