using System.Globalization;
using System.Text;
using CertAuthority.Protocol;
using Microsoft.Win32.SafeHandles;

namespace CertAuthority.Store;

/// <summary>The last batch on a server that a daemon knows of.</summary>
/// <param name="System">The identifier of the server.</param>
/// <param name="Timeline">Its timeline then.</param>
/// <param name="Leader">The run of the daemon that led then.</param>
/// <param name="Total">How many batches there were.</param>
/// <param name="Last">When it was, by the server's clock, in Unix seconds.</param>
internal sealed record SeenBatch(string System, string Timeline, string Leader, long Total, long Last)
{
    public static SeenBatch? Read(string text) =>
        text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [var system, var timeline, var leader, var total, var last]
        && long.TryParse(total, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && long.TryParse(last, NumberStyles.None, CultureInfo.InvariantCulture, out var time)
            ? new SeenBatch(system, timeline, leader, number, time) : null;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{System} {Timeline} {Leader} {Total} {Last}");
}

/// <summary>
/// The file of the data directory with the last batch on a server that this daemon knows of. By it, the next start recognizes a server
/// that has lost something. It is written after each batch and not flushed: a power failure leaves an older one, which proves nothing.
/// </summary>
internal sealed class LastSeen : IDisposable
{
    /// <summary>The name of the file.</summary>
    public const string FileName = "database_seen";

    // Each batch overwrites the whole of the one before, in one block of the disk.
    private const int Width = 120;

    private readonly ILogger log;
    private readonly SafeFileHandle file;
    private bool hasFailed;

    /// <param name="folder">The data directory.</param>
    /// <param name="log">Gets a line when the file cannot be written.</param>
    /// <exception cref="StoreException">The file can be neither opened nor made.</exception>
    public LastSeen(string folder, ILogger log)
    {
        this.log = log;
        var path = Path.Combine(folder, FileName);
        try
        {
            file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.ReadWrite);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{path} cannot be opened: {e.Message}", e);
        }
    }

    /// <summary>Returns the batch; null if none is on record.</summary>
    public SeenBatch? Read()
    {
        var content = new byte[Width];
        return SeenBatch.Read(Encoding.ASCII.GetString(content, 0, RandomAccess.Read(file, content, 0)));
    }

    /// <summary>Records a batch.</summary>
    public void Keep(SeenBatch batch)
    {
        try
        {
            RandomAccess.Write(file, Encoding.ASCII.GetBytes($"{batch}".PadRight(Width - 1) + "\n"), 0);
            hasFailed = false;
        }
        catch (IOException e)
        {
            // An older batch proves nothing to the next start, which then takes everything back after a failover.
            if (!hasFailed)
                log.LogWarning("{File} cannot be written: {Why}", FileName, Printable.Escape(e.Message));
            hasFailed = true;
        }
    }

    public void Dispose() => file.Dispose();
}
