using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>Anybody can run a daemon of his own and point others at it. They do not speak to it.</summary>
public sealed class ForeignDaemonTests
{
    [PeopleFact]
    public async Task Daemon_of_another_user_receives_nothing()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch["bob"]);
        Process.Start("chown", ["5002", scratch["bob"]]).WaitForExit();
        var socket = scratch["bob/run/ca.sock"];
        using var daemon = new Person(Person.Bob, scratch["bob"], $"unix:{socket}").Start("certauthority", "--data-dir", scratch["bob/data"], "--socket", socket);
        try
        {
            Assert.Equal($"ready: unix:{socket}", await daemon.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)));

            var refused = await new Person(Person.Alice, scratch["alice"], $"unix:{socket}").Types("tsh", "request", "ls");

            Assert.Equal(
                (3, "", $"tsh: error: the daemon at unix:{socket} runs as uid 5002, which is neither root, nor certauthority, nor you\ntsh: hint: name the right one with --server or CERTAUTHORITY_SERVER\n"),
                (refused.ExitCode, refused.Output, refused.Error));
        }
        finally
        {
            daemon.Kill();
            await daemon.WaitForExitAsync();
        }
    }
}
