using System.Globalization;
using System.Text;
using CertAuthority.Linux;
using CertAuthority.OpenSsh;

namespace CertAuthority.Tsh;

/// <summary>A key that tsh has put into an ssh-agent.</summary>
/// <param name="Key">The plain key; the agent may hold it with a certificate, without one, or both.</param>
/// <param name="Socket">The agent: its value of SSH_AUTH_SOCK.</param>
/// <param name="Until">When the agent was told to drop the key by itself.</param>
internal sealed record AgentKey(PublicKey Key, string Socket, DateTimeOffset Until);

/// <summary>
/// The keys that tsh has put into agents and not yet taken out, in the file <c>agent_keys</c> of its home, a line each. The key of the
/// home is not enough: it is replaced while the agent still holds the one before.
/// </summary>
/// <param name="path">The file.</param>
internal sealed class AgentKeys(string path)
{
    /// <summary>The keys. A line that makes no sense counts for nothing.</summary>
    public IReadOnlyList<AgentKey> Read() =>
        AtomicFile.Read(path) is { } text ? [.. text.Split('\n').Select(Parse).OfType<AgentKey>()] : [];

    /// <summary>Adds a key. Do this before the agent gets it, so that an interrupted login leaves nothing unknown behind.</summary>
    public void Add(AgentKey key) => Write([.. Read().Where(known => (known.Key, known.Socket) != (key.Key, key.Socket)), key]);

    /// <summary>Keeps these keys only.</summary>
    public void Write(IReadOnlyCollection<AgentKey> keys)
    {
        if (keys.Count == 0 && File.Exists(path))
            File.Delete(path);
        else if (keys.Count > 0)
            AtomicFile.Replace(
                path,
                Encoding.UTF8.GetBytes(string.Concat(keys.Select(key => $"{key.Until.ToUnixTimeSeconds()} {key.Key} {key.Socket}\n"))),
                UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    // UNIX-TIME TYPE BASE64 SOCKET; the socket is last, for a path can contain blanks.
    private static AgentKey? Parse(string line)
    {
        if (line.Split(' ', 4) is not [var until, var type, var blob, var socket]
            || !long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds))
            return null;
        try
        {
            return new AgentKey(PublicKey.ParseLine($"{type} {blob}"), socket, DateTimeOffset.FromUnixTimeSeconds(seconds));
        }
        catch (Exception malformed) when (malformed is SshFormatException or ArgumentOutOfRangeException)
        {
            return null;
        }
    }
}
