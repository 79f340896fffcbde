"""What a plug-in must offer: one file a port (source, candle kind, check). Shapes only; no plug-in stands here."""
