using System.Globalization;
using CertAuthority.OpenSsh;
using CertAuthority.Terminal;

namespace CertAuthority.Tsh;

/// <summary>The running ssh-agent, spoken to through ssh-add. Of each login it holds one identity, the certificate with its key, and no longer than the certificate lives.</summary>
internal static class Agent
{
    // ssh-add's exit code where there is no agent to speak to (ssh-add(1)).
    private const int Nobody = 2;

    /// <summary>Whether one runs.</summary>
    public static async Task<bool> Runs(CancellationToken cancellation) =>
        Environment.GetEnvironmentVariable("SSH_AUTH_SOCK") is { Length: > 0 }
        && (await SshTool.Run("ssh-add", ["-l"], cancellation)).ExitCode != Nobody;

    /// <summary>Refuses where none runs, though it was asked for.</summary>
    public static async Task Expect(CancellationToken cancellation)
    {
        if (!await Runs(cancellation))
            throw new FailureException("no ssh-agent runs here", "start one: eval $(ssh-agent), or do without: tsh login --add-keys-to-agent=no");
    }

    /// <summary>Gives it the key in a file with the certificate beside it, in the place of what it had of this home.</summary>
    /// <param name="home">Whose earlier identities go.</param>
    /// <param name="key">The private key; beside it lie FILE.pub and FILE-cert.pub.</param>
    /// <param name="life">Until the certificate ends.</param>
    /// <param name="withPlainKey">Whether the key alone stays there too: certificates that come later are of use only with it.</param>
    /// <param name="cancellation">Stops.</param>
    /// <exception cref="FailureException">It did not take them.</exception>
    public static async Task Add(Home home, string key, TimeSpan life, bool withPlainKey, CancellationToken cancellation)
    {
        await Forget(home, cancellation);
        var seconds = Math.Max(1, (long)Math.Ceiling(life.TotalSeconds));
        var add = await SshTool.Run("ssh-add", ["-q", "-t", seconds.ToString(CultureInfo.InvariantCulture), "--", key], cancellation);
        if (add.ExitCode != 0)
            throw new FailureException($"the ssh-agent did not take the key: {add.Error.Split('\n')[^1]}", "tsh login --add-keys-to-agent=no does without");
        // ssh-add adds the key by itself, and then with its certificate. Servers count what is offered, and the first alone opens nothing.
        if (!withPlainKey)
            await Remove(home, await File.ReadAllTextAsync(key + ".pub", cancellation), cancellation);
    }

    /// <summary>Takes out of it whatever came from this home.</summary>
    public static async Task Forget(Home home, CancellationToken cancellation)
    {
        if (home.PublicKeyAtHand() is not { } key)
            return;
        var list = await SshTool.Run("ssh-add", ["-L"], cancellation);
        foreach (var line in list.Output.Split('\n').Where(line => IsOf(key, line)))
            await Remove(home, line, cancellation);
    }

    private static bool IsOf(PublicKey key, string line)
    {
        try
        {
            return (line.Contains("-cert-v01@", StringComparison.Ordinal) ? Certificate.ParseLine(line).Key : PublicKey.ParseLine(line)) == key;
        }
        catch (SshFormatException)
        {
            // Somebody else's, of a kind that we do not know.
            return false;
        }
    }

    // ssh-add takes an identity out by a file that names it.
    private static async Task Remove(Home home, string line, CancellationToken cancellation)
    {
        home.EnsureFolder();
        var file = Path.Combine(home.Folder, $"agent.{Guid.NewGuid():n}.pub");
        try
        {
            await File.WriteAllTextAsync(file, line.TrimEnd() + "\n", cancellation);
            await SshTool.Run("ssh-add", ["-q", "-d", "--", file], cancellation);
        }
        finally
        {
            File.Delete(file);
        }
    }
}
