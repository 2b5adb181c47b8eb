using System.Diagnostics;

namespace CertAuthority.Tests.EndToEnd;

/// <summary>OpenSSH's own agent with CA keys in it, at a socket that only the daemon's account can use.</summary>
internal sealed class CaAgent : IAsyncDisposable
{
    private readonly Scratch scratch;
    private readonly string[] providers;
    private readonly (string Name, string Value)[] environment;
    private Process? process;

    private CaAgent(Scratch scratch, string[] providers, (string Name, string Value)[] environment) =>
        (this.scratch, this.providers, this.environment) = (scratch, providers, environment);

    public string Socket => scratch["agent/agent.sock"];

    /// <summary>The folder of its keys, which no daemon reads.</summary>
    public string Keys => scratch["keys"];

    /// <param name="scratch">The folder of the test.</param>
    /// <param name="providers">Libraries for tokens that it may load.</param>
    /// <param name="environment">More of its environment.</param>
    public static async Task<CaAgent> Start(Scratch scratch, string[]? providers = null, params (string, string)[] environment)
    {
        foreach (var folder in (string[])["agent", "keys"])
            Directory.CreateDirectory(scratch[folder], UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var agent = new CaAgent(scratch, providers ?? [], environment);
        await agent.Begin();
        return agent;
    }

    /// <summary>Makes a key, loads it, and returns its fingerprint.</summary>
    public async Task<string> NewKey(string name, string type = "ed25519", int bits = 256)
    {
        (await Types("ssh-keygen", "-q", "-t", type, "-b", $"{bits}", "-N", "", "-C", name, "-f", Path.Combine(Keys, name))).Done();
        await Load(name);
        return await Fingerprint(Path.Combine(Keys, $"{name}.pub"));
    }

    public async Task Load(string name) => (await Types("ssh-add", "-q", Path.Combine(Keys, name))).Done();

    public async Task<string> Fingerprint(string file) => (await Types("ssh-keygen", "-lf", file)).Done().Split(' ')[1];

    /// <summary>Begins again with nothing in it, at the same socket.</summary>
    public async Task Begin()
    {
        File.Delete(Socket);
        process = Person.Start([
            "ssh-agent", "-D", "-a", Socket, .. providers is [] ? (string[])[] : ["-P", string.Join(',', providers)],
        ]);
        await Eventually.Holds(async () => (await Types("ssh-add", "-l")).ExitCode != 2, "the agent answers");
    }

    public async Task Kill()
    {
        process!.Kill(entireProcessTree: true);
        await process.WaitForExitAsync();
        process.Dispose();
        process = null;
    }

    public async Task Signal(string signal)
    {
        using var kill = Process.Start("kill", ["-s", signal, $"{process!.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Runs a command that talks to it.</summary>
    public Task<Outcome> Types(params string[] words) => (Person with { Environment = [.. Person.Environment, ("SSH_AUTH_SOCK", Socket)] }).Types(words);

    public async ValueTask DisposeAsync()
    {
        if (process is not null)
            await Kill();
    }

    private Person Person => new(null, scratch["admin"], "") { Environment = environment };
}
